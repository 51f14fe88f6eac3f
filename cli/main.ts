#!/usr/bin/env node
// Entry of the command line. It imports only the parser; commands load their code when they run.
import { buildProgram } from './program.ts'

await buildProgram().parseAsync(process.argv)
