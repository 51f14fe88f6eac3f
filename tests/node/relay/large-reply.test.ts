// Replies that would not fit their frame.
import { expect, it } from 'vitest'
import { noble } from '../../../crypto/index.ts'
import { RELAY_PROTOCOL } from '../../../node/relay/limits.ts'
import {
  type RelayOp,
  RELAY_FRAME_MAX_BYTES,
  decodeRelayFrame,
  decodeReply,
  encodeRequest,
  isFailure,
  signAuth,
} from '../../../protocol/index.ts'
import { bytesOf, depositTo, prepared } from '../../support/relay-world.ts'

it('proofs beside a page of items are put off, and the relay lives', async () => {
  const { world, bob, alice } = await prepared()
  const auth = world.capability(bob, 'alice')
  for (let i = 0; i < 6; i++) {
    const large = depositTo(bob, auth, `${i}`, { env: bytesOf(`${i}`, 40_000) })
    await world.settle(alice.deposit(large))
  }
  const host = await world.network.createHost({ seed: bytesOf('raw'), listen: [], role: 'courier' })
  const stream = await world.settle(host.dial('/ip4/10.0.0.1/tcp/4001', RELAY_PROTOCOL))
  const frames: Uint8Array[] = []
  stream.onFrame((frame) => frames.push(frame))
  const ask = async (requestId: number, ops: readonly RelayOp[]): Promise<readonly unknown[]> => {
    stream.send(encodeRequest(requestId, ops))
    await world.quiet()
    const frame = decodeRelayFrame(frames.at(-1)!)
    expect(frame).toMatchObject({ kind: 'reply', requestId })
    if (frame.kind !== 'reply') return []
    return frame.replies.map((reply, i) => decodeReply(ops[i]!.kind, reply))
  }
  const [hello] = await ask(1, [{ kind: 'hello', request: { minor: 0, features: 0 } }])
  const binding = {
    nonce: (hello as { nonce: Uint8Array }).nonce,
    serviceKey: world.service!.serviceKey,
    relayTransportKey: world.host!.transportKey,
    clientTransportKey: host.transportKey,
  }
  const { mailboxId, ownerSeed } = bob
  const proof = {
    type: 1 as const,
    ownerKey: noble.ed25519PublicKey(ownerSeed),
    bind: undefined,
    signature: signAuth(noble, ownerSeed, binding, { type: 1, mailboxId }),
  }
  const proofs: RelayOp = {
    kind: 'auth',
    request: { proofs: Array.from({ length: 32 }, () => proof) },
  }
  await ask(2, [proofs])
  const page: RelayOp = {
    kind: 'fetch',
    request: {
      mailboxId,
      after: undefined,
      limit: 256,
      maxBytes: RELAY_FRAME_MAX_BYTES,
      idsOnly: false,
      envIds: [],
    },
  }
  const replies = await ask(3, [page, ...Array.from({ length: 31 }, () => proofs)])
  expect(isFailure(replies[0] as object)).toBe(false)
  expect(frames.at(-1)!.length).toBeLessThanOrEqual(RELAY_FRAME_MAX_BYTES)
  // Others are served as before.
  expect(await world.settle(alice.deposit(depositTo(bob, auth, 'after')))).toMatchObject({
    kind: 'stored',
  })
}, 60_000)
