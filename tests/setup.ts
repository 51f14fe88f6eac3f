// Every test process starts like every entry point of the product: with the Node 20 gaps filled.
import '../node/runtime.ts'
