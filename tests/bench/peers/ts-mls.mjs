// ts-mls as the benchmark drives it: its default provider (WebCrypto) and suite 1. Its state is one
// object; whoever must not repeat a key after a crash encodes it with every message.
import {
  acceptAll,
  createApplicationMessage,
  createCommit,
  createGroup,
  decodeMlsMessage,
  defaultCapabilities,
  defaultLifetime,
  emptyPskIndex,
  encodeGroupState,
  encodeMlsMessage,
  generateKeyPackage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  processPrivateMessage,
} from 'ts-mls'

const SUITE = 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519'
const suite = await getCiphersuiteImpl(getCiphersuiteFromName(SUITE))
const encoder = new TextEncoder()

function keyPackage(name) {
  const credential = { credentialType: 'basic', identity: encoder.encode(name) }
  return generateKeyPackage(credential, defaultCapabilities(), defaultLifetime, [], suite)
}

/** A group of `size`: its first member, and one that joined; with the state encoded or not. */
export async function group(size, encodes) {
  const founder = await keyPackage('0')
  let first = await createGroup(
    encoder.encode('group'),
    founder.publicPackage,
    founder.privatePackage,
    [],
    suite,
  )
  const packages = []
  for (let i = 1; i < size; i++) packages.push(await keyPackage(String(i)))
  const proposals = packages.map(({ publicPackage }) => ({
    proposalType: 'add',
    add: { keyPackage: publicPackage },
  }))
  const commit = await createCommit(
    { state: first, cipherSuite: suite },
    { extraProposals: proposals },
  )
  first = commit.newState
  const [own] = packages
  const second = await joinGroup(
    commit.welcome,
    own.publicPackage,
    own.privatePackage,
    emptyPskIndex,
    suite,
    first.ratchetTree,
  )
  return members(first, second, { size, encodes })
}

function members(first, second, { size, encodes }) {
  let [sender, receiver] = [first, second]
  const keep = (state) => {
    if (encodes) encodeGroupState(state)
    return state
  }
  return {
    send: async (text) => {
      const { newState, privateMessage } = await createApplicationMessage(sender, text, suite)
      sender = keep(newState)
      const wireformat = 'mls_private_message'
      return encodeMlsMessage({ privateMessage, wireformat, version: 'mls10' })
    },
    receive: async (bytes) => {
      const [{ privateMessage }] = decodeMlsMessage(bytes, 0)
      const opened = await processPrivateMessage(receiver, privateMessage, emptyPskIndex, suite)
      receiver = keep(opened.newState)
      return opened.message
    },
    /** The commit that removes the last member, from the same state each time. */
    remove: async () => {
      const proposal = { proposalType: 'remove', remove: { removed: size - 1 } }
      const { commit, newState } = await createCommit(
        { state: sender, cipherSuite: suite },
        { extraProposals: [proposal] },
      )
      keep(newState)
      return encodeMlsMessage(commit)
    },
    /** What each other member does with it. */
    follow: async (bytes) => {
      const [{ privateMessage }] = decodeMlsMessage(bytes, 0)
      keep(
        (await processPrivateMessage(receiver, privateMessage, emptyPskIndex, suite, acceptAll))
          .newState,
      )
    },
  }
}
