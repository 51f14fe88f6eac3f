// sotto demo: a relay and two people, each a process of its own, on loopback.
import { playScenario } from '../demo/scenario.ts'
import { Stage } from '../demo/stage.ts'
import { Transcript } from '../demo/transcript.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../tree/index.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { output, flags, signal } = invocation
  const markdown = flags.on('markdown')
  const transcript = new Transcript(markdown, (line) => {
    if (output.json) output.record({ line }, () => [])
    else output.line(line)
  })
  const stage = await Stage.open(signal)
  try {
    await playScenario(stage, transcript)
    transcript.end()
    return EXIT.OK
  } finally {
    await stage.close()
  }
}
