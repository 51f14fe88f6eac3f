// gossipsub with hardly an option, on a host as it is: what a stranger may run, and what the adapter
// is measured beside.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { type GossipsubMessage, StrictNoSign, gossipsub } from '@libp2p/gossipsub'
import type { StreamHandler, Topology } from '@libp2p/interface'
import type { Libp2pHost } from '../../node/net/libp2p-host.ts'

type Options = NonNullable<Parameters<typeof gossipsub>[0]>
type Service = ReturnType<ReturnType<typeof gossipsub>>

export interface BareGossip {
  readonly service: Service
  readonly heard: GossipsubMessage['msg'][]
  stop(): Promise<void>
}

export async function startBareGossip(
  { libp2p }: Libp2pHost,
  options: Partial<Options> = {},
): Promise<BareGossip> {
  const registrar = {
    handle: (protocol: string, handler: StreamHandler, more?: object) =>
      libp2p.handle(protocol, handler, more),
    unhandle: (protocol: string) => libp2p.unhandle(protocol),
    register: (protocol: string, topology: Topology) => libp2p.register(protocol, topology),
    unregister: (id: string) => libp2p.unregister(id),
  }
  const { peerId, logger } = libp2p
  // Used where it signs, and not checked then: any key does.
  const privateKey = await generateKeyPair('Ed25519')
  const components = { peerId, logger, registrar, privateKey } as unknown as Parameters<
    ReturnType<typeof gossipsub>
  >[0]
  const service = gossipsub({
    globalSignaturePolicy: StrictNoSign,
    allowPublishToZeroTopicPeers: true,
    tagMeshPeers: false,
    // More than ten peers at one address would get no mesh, and hand nothing on.
    scoreParams: { IPColocationFactorWeight: 0 },
    ...options,
  })(components) as Service & { start(): Promise<void>; stop(): Promise<void> }
  const heard: GossipsubMessage['msg'][] = []
  service.addEventListener('gossipsub:message', ({ detail }) => heard.push(detail.msg))
  await service.start()
  return { service, heard, stop: () => service.stop() }
}
