// Creating a group (SPEC.md §21): its first operation, its epoch, its mailboxes' keys and its record
// in one batch. It is carried by this device's own relays.
import { GROUP_SETTINGS, openDeviceList, signGroupOp } from '../../crypto/index.ts'
import { ProtocolError } from '../errors.ts'
import { draftCreate } from '../membership/draft-op.ts'
import { CARRIAGE_RELAYS_MAX, GROUPS_MAX } from '../group-limits.ts'
import { deviceLists } from '../peers/device-lists.ts'
import { activeMailboxes } from '../peers/own-mailbox.ts'
import { type Step, type Turn, get } from '../step.ts'
import { followOperations } from './consequences.ts'
import { keepGroupEpoch } from './grants.ts'
import { type GroupRecord, allGroups, groupOf, newGroup } from './group.ts'
import { checkGroupName, uniqueGroupName } from './group-names.ts'
import { addOperations } from './membership.ts'
import { freshSecret, seedAll } from './operate.ts'

export interface GroupOptions {
  /** Who joins by link waits for an admin. */
  readonly approval: boolean
  /** Members who are no admins may add. */
  readonly membersAdd: boolean
}

export function settingsBits({ approval, membersAdd }: GroupOptions): number {
  return (approval ? GROUP_SETTINGS.approval : 0) | (membersAdd ? GROUP_SETTINGS.membersAdd : 0)
}

/**
 * Creates a group. Throws ERR_PROTOCOL_NAME for a name that cannot be one, ERR_PROTOCOL_LIMIT for too
 * many groups, ERR_PROTOCOL_STATE (reason no-relay) where nothing could carry it.
 */
export function* createGroup(turn: Turn, wanted: string, options: GroupOptions): Step<GroupRecord> {
  const name = checkGroupName(wanted)
  const groups = yield* allGroups()
  if (groups.length >= GROUPS_MAX) {
    throw new ProtocolError('ERR_PROTOCOL_LIMIT', 'too many groups', {
      detail: { reason: 'groups', max: GROUPS_MAX },
    })
  }
  const mailboxes = (yield* activeMailboxes()).slice(0, CARRIAGE_RELAYS_MAX)
  if (mailboxes.length === 0) {
    throw new ProtocolError('ERR_PROTOCOL_STATE', 'there is no relay that could carry a group', {
      detail: { reason: 'no-relay' },
    })
  }
  const own = yield* get(deviceLists, turn.self.account)
  if (own === undefined) throw new ProtocolError('ERR_PROTOCOL_STATE', 'no device list of our own')
  const { account, device, deviceSeed } = turn.self
  const draft = draftCreate(
    turn.crypto,
    { account, device },
    {
      random: turn.random(32),
      name,
      settings: settingsBits(options),
      list: openDeviceList(turn.crypto, own.bytes),
      relays: mailboxes.map(({ serviceKey, address }) => ({ serviceKey, addresses: [address] })),
    },
  )
  const secret = freshSecret(turn, new Uint8Array(32), draft.coreHash)
  const op = signGroupOp({ provider: turn.crypto, deviceSeed }, draft.core, secret.commit)
  const gid = op.id
  const { members } = yield* addOperations(turn, gid, [op], 'held')
  const group = yield* newGroup(turn, {
    gid,
    name: uniqueGroupName(name, groups),
    named: false,
    standing: 'joined',
    join: undefined,
  })
  if (secret.source !== undefined) yield* keepGroupEpoch(turn, members, gid, secret.source)
  yield* followOperations(turn, members, [op])
  if (secret.seed !== undefined) yield* seedAll(turn, members, op, secret.seed)
  return (yield* groupOf(gid)) ?? group
}
