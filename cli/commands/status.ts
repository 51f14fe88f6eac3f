// sotto status: this profile at a glance.
import type { Status } from '../../node/api.ts'
import { counted } from '../count.ts'
import type { Part } from '../output.ts'
import { withNode } from '../session.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import { relayState } from './relays.ts'
import type { Invocation } from '../tree/index.ts'
import { formatTime } from '../when.ts'

function lines(status: Status, start: string | undefined): readonly (readonly Part[])[] {
  const rows: (readonly Part[])[] = [
    [{ text: terminalSafeLine(status.name), style: 'bold' }, `  ${status.address}`],
    [
      `  daemon    ${start === undefined ? 'running' : `not running: ${start} keeps messages coming`}`,
    ],
  ]
  for (const address of status.listening) rows.push([`  listening ${address}`])
  for (const relay of status.relays) {
    rows.push([`  relay     ${relay.address}  ${terminalSafeLine(relayState(relay))}`])
  }
  if (status.relays.length === 0) rows.push(['  relay     none'])
  rows.push([
    [
      `  ${counted(status.contacts, 'contact')}`,
      counted(status.groups, 'group'),
      counted(status.requests, 'request'),
      `${status.unread} unread`,
      `${status.waiting} waiting to go out`,
    ].join(', '),
  ])
  if (status.readOnly) {
    rows.push([{ text: '  read-only: the disk cannot be written', style: 'red' }])
  }
  for (const { at, code, text, chat } of status.recent) {
    const about = chat === undefined ? '' : `${terminalSafeLine(chat)}: `
    const line = `  ${formatTime(at)} ${code}  ${about}${terminalSafeLine(text)}`
    rows.push([{ text: line, style: 'yellow' }])
  }
  for (const warning of status.warnings) rows.push([{ text: `  ${warning}`, style: 'yellow' }])
  return rows
}

export async function run(invocation: Invocation): Promise<void> {
  const { output } = invocation
  await withNode(invocation, async ({ node, lasting, settle }) => {
    await settle()
    const status = await node.status()
    const daemon = lasting()
    const start = daemon ? undefined : output.advice('`sotto daemon start`')
    output.record({ ...status, daemon }, () => lines(status, start))
  })
}
