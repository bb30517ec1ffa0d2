const CHUNK = 1000

export type SortedNames = ReturnType<typeof createSortedNames>

/** Where `name` stands, or would stand, among sorted names. */
function lowerBound(names: readonly string[], name: string): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (names[middle]! < name) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Names in the order of their letters' codes, starting from `sorted` ones. They are kept in chunks, because taking
 * one out of an array of 200,000 moves all that follow: milliseconds each.
 */
export function createSortedNames(sorted: readonly string[] = []) {
  const chunks = [sorted.slice(0, CHUNK)]
  for (let at = CHUNK; at < sorted.length; at += CHUNK) chunks.push(sorted.slice(at, at + CHUNK))

  /** The chunk to which `name` belongs, and its place there. */
  function locate(name: string) {
    let low = 0
    let high = chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (chunks[middle]![0]! <= name) low = middle + 1
      else high = middle
    }
    const index = Math.max(0, low - 1)
    const chunk = chunks[index]!
    return { index, chunk, at: lowerBound(chunk, name) }
  }

  /** From the first name on that is not before `name`. */
  function* from(name: string): Generator<string> {
    const { index, chunk, at } = locate(name)
    for (let i = at; i < chunk.length; i++) yield chunk[i]!
    for (let i = index + 1; i < chunks.length; i++) yield* chunks[i]!
  }

  return {
    from,
    someStartWith: (start: string): boolean => from(start).next().value?.startsWith(start) ?? false,
    startingWith(start: string): string[] {
      const past = `${start}\x7f` // keys are ASCII
      const names = ([] as string[]).concat(...chunks.slice(locate(start).index, locate(past).index + 1)) // flat() is slow
      return names.slice(lowerBound(names, start), lowerBound(names, past))
    },
    /** Puts `name` in its place, unless it is there. */
    insert(name: string) {
      const { index, chunk, at } = locate(name)
      if (chunk[at] === name) return
      chunk.splice(at, 0, name)
      if (chunk.length > 2 * CHUNK) chunks.splice(index + 1, 0, chunk.splice(CHUNK))
    },
    /** Takes `name` out, if it is there. */
    remove(name: string) {
      const { index, chunk, at } = locate(name)
      if (chunk[at] !== name) return
      chunk.splice(at, 1)
      if (chunk.length === 0 && chunks.length > 1) chunks.splice(index, 1)
    }
  }
}

/**
 * The names that go on after `start` with `search`, in whatever case, in order. Each letter narrows them down by
 * bisection, so that nothing is compared that is not found.
 */
export function searchNames(names: SortedNames, start: string, search: string): string[] {
  if (search === '') return names.startingWith(start)
  const [letter, rest] = [search.charAt(0), search.slice(1)]
  const cases = new Set([letter.toUpperCase(), letter.toLowerCase()]) // in the order of their codes
  return [...cases]
    .map((variant) => start + variant)
    .filter(names.someStartWith)
    .flatMap((beginning) => searchNames(names, beginning, rest))
}
