import { nativeCrypto } from '../native-crypto.ts'

/** SHA-256(data)[0..20]: what a message is known by among members (SPEC.md §22.1). */
export function gossipId(data: Uint8Array): Uint8Array {
  return nativeCrypto.sha256(data).subarray(0, 20)
}
