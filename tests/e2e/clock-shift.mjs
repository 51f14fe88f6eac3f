// Loaded before a program (node --import): its wall clock is off by SOTTO_TEST_SHIFT_MS.
const shiftMs = Number(process.env['SOTTO_TEST_SHIFT_MS'] ?? 0)
const TrueDate = Date

globalThis.Date = class extends TrueDate {
  constructor(...words) {
    if (words.length === 0) super(TrueDate.now() + shiftMs)
    else super(...words)
  }
  static now() {
    return TrueDate.now() + shiftMs
  }
}
