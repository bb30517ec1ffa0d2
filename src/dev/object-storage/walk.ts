import type { SortedNames } from './sorted-names.ts'

/** A key, or a folder: the beginning, up to its slash, that keys have in common. */
export interface Entry {
  name: string
  isFolder: boolean
}

// '0' follows '/' in ASCII: the first key that is no longer in the folder.
export const pastEntry = ({ name, isFolder }: Entry) => (isFolder ? `${name.slice(0, -1)}0` : `${name}\0`)

/** Keys under `prefix` from `from` on; `delimited`, only those of that level, and its folders, jumping over their contents. */
export function* walk(
  names: SortedNames,
  prefix: string,
  delimited: boolean,
  from = prefix
): Generator<Entry> {
  let rest = names.from(from < prefix ? prefix : from)
  for (let { value: name } = rest.next(); name?.startsWith(prefix); { value: name } = rest.next()) {
    const slash = delimited ? name.indexOf('/', prefix.length) : -1
    const entry =
      slash === -1 ? { name, isFolder: false } : { name: name.slice(0, slash + 1), isFolder: true }
    yield entry
    if (entry.isFolder) rest = names.from(pastEntry(entry))
  }
}
