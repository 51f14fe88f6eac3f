// The command tree: names, flags, examples. No command's code is loaded here.
import { Command } from 'commander'

export function buildProgram(): Command {
  return new Command('sotto').description('A messenger that never loses a message.')
}
