// Standard input as text, byte for byte.
import { CliError } from './cli-error.ts'

/** What stands for standard input, be it a terminal, a pipe or a parent's socket. */
export const STDIN_FILE = '-'

/** More than any text may have: what is longer is refused before it fills memory. */
export const STDIN_MAX_BYTES: number = 1 << 20

/** Bytes as text, nothing trimmed, a leading U+FEFF kept. Throws INPUT_INVALID for broken UTF-8. */
export function decodeInput(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new CliError(
      'INPUT_INVALID',
      'standard input is not UTF-8 text',
      'Messages are text; nothing was sent.',
      error,
    )
  }
}

/** All of a stream as text. Throws INPUT_INVALID, also for more than STDIN_MAX_BYTES. */
export async function readInput(stream: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    sizeBytes += bytes.length
    if (sizeBytes > STDIN_MAX_BYTES) {
      throw new CliError('INPUT_INVALID', 'standard input is longer than any message may be')
    }
    chunks.push(bytes)
  }
  return decodeInput(Buffer.concat(chunks))
}
