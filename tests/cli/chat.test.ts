// What a chat shows above the line that is being typed.
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { Conversation } from '../../cli/chat/conversation.ts'
import { Screen } from '../../cli/chat/screen.ts'
import { correspondent } from '../../cli/correspondent.ts'
import { Output } from '../../cli/output.ts'
import { FakeNode } from '../support/fake-node.ts'

test('warns of what is wrong with this profile or with whom one talks to, not of others', async () => {
  let stdout = ''
  const output = new Output({
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: () => true },
    json: false,
    quiet: false,
    verbose: false,
    color: false,
  })
  const lines = createInterface({ input: new PassThrough() })
  const node = new FakeNode()
  const bob = await correspondent(node, 'bob')
  const signal = new AbortController().signal
  const conversation = new Conversation(node, bob, new Screen(output, lines), signal)
  const warning = { cursor: 1, at: 0, event: 'warning' } as const
  await conversation.take({ ...warning, code: 'PROFILE_COPIED', text: 'a copy was started' })
  await conversation.take({ ...warning, code: 'KEY_CHANGED', text: 'two\nlists', chat: 'bob' })
  await conversation.take({ ...warning, code: 'KEY_CHANGED', text: 'of carol', chat: 'carol' })
  expect(stdout).toBe('  PROFILE_COPIED: a copy was started\n  KEY_CHANGED: two\\nlists\n')
  lines.close()
})
