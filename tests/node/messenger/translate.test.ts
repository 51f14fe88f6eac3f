// What the machines refuse, as callers and the terminal meet it.
import { expect, it } from 'vitest'
import { exitCodeOf } from '../../../cli/exit-codes.ts'
import { toNodeError } from '../../../node/messenger/translate.ts'
import { noteBehind } from '../../../protocol/delivery/behind.ts'
import { ProtocolError } from '../../../protocol/errors.ts'
import { acquainted } from '../../support/person.ts'

it('sending from a profile that was set back names it, and says what to do', () => {
  const [alice, bob] = acquainted('behind', { alice: [], bob: [] })
  alice.driver.run((turn) => noteBehind(turn, bob.self.account))
  let failure: unknown
  try {
    alice.send(bob, 'more')
  } catch (error) {
    failure = toNodeError(error)
  }
  expect(failure).toMatchObject({
    code: 'PROFILE_BEHIND',
    message: expect.stringContaining('copied or restored'),
    hint: expect.stringContaining('sotto init --dir FOLDER --from-phrase-file FILE'),
  })
  expect(exitCodeOf('PROFILE_BEHIND')).toBe(3)
})

it.each([
  new ProtocolError('ERR_PROTOCOL_STATE', 'the profile has no record'),
  new ProtocolError('ERR_PROTOCOL_STALE', 'it changed meanwhile'),
  new TypeError('undefined is not a function'),
])('a defect of ours (%s) asks to be reported', (defect) => {
  expect(toNodeError(defect)).toMatchObject({
    code: 'INTERNAL',
    message: defect.message,
    hint: expect.stringContaining('report'),
  })
})
