// Splits an example of --help as a shell would, as far as examples go: quotes, pipes, redirections.

/** The words after `sotto` of the last command in a line. */
export function sottoWords(line: string): readonly string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (const char of `${line} `) {
    if (quote !== '') {
      if (char === quote) quote = ''
      else word = (word ?? '') + char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (char === ' ') {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + char
  }
  const from = words.lastIndexOf('sotto') + 1
  const redirected = words.findIndex((found, at) => at >= from && (found === '>' || found === '<'))
  return words.slice(from, redirected === -1 ? words.length : redirected)
}
