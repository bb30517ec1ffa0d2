/** A key, or a folder: the common prefix of keys, up to and including a slash. */
export interface Entry {
  name: string
  isFolder: boolean
}

/**
 * The first possible name after the entry. `0` follows `/` in ASCII, so `folder0` is after all keys of
 * `folder/`.
 */
export const pastEntry = ({ name, isFolder }: Entry) => (isFolder ? `${name.slice(0, -1)}0` : `${name}\0`)

/** Index of the first name that is equal to `name` or after it. */
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

export interface Walk {
  prefix: string
  /** Yields the keys and folders of one level, instead of all keys. */
  delimited: boolean
  /** The first name to yield. */
  from?: string | undefined
}

/** The entries of sorted names under a prefix. The contents of a folder are skipped by bisection. */
export function* walk(
  names: readonly string[],
  { prefix, delimited, from = prefix }: Walk
): Generator<Entry> {
  let at = lowerBound(names, from < prefix ? prefix : from)
  for (let name = names[at]; name?.startsWith(prefix); name = names[at]) {
    const slash = delimited ? name.indexOf('/', prefix.length) : -1
    const isFolder = slash !== -1
    const entry = { name: isFolder ? name.slice(0, slash + 1) : name, isFolder }
    yield entry
    at = isFolder ? lowerBound(names, pastEntry(entry)) : at + 1
  }
}
