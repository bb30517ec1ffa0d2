import type { StoredObject } from './journal.ts'
import { lowerBound, type ObjectIndex } from './object-index.ts'
import { toFileRow, toFolderRow } from './rows.ts'

export interface LevelQuery {
  prefix: string
  search?: string
  limit: number
  offset: number
  sortBy?: { column?: string, order?: string }
}

export interface PageQuery { prefix: string, limit: number, cursor?: string, delimited: boolean }

interface Entry { name: string, isFolder: boolean }

// '0' follows '/' in ASCII: the first key that is no longer in the folder.
const pastEntry = ({ name, isFolder }: Entry) => isFolder ? `${name.slice(0, -1)}0` : `${name}\0`

/** Keys under `prefix` from `from` on; `delimited`, only those of that level, and its folders, jumping over their contents. */
function * walk (names: readonly string[], prefix: string, delimited: boolean, from = prefix): Generator<Entry> {
  let at = lowerBound(names, from < prefix ? prefix : from)
  for (let name = names[at]; name?.startsWith(prefix); name = names[at]) {
    const slash = delimited ? name.indexOf('/', prefix.length) : -1
    const entry = slash === -1 ? { name, isFolder: false } : { name: name.slice(0, slash + 1), isFolder: true }
    yield entry
    at = entry.isFolder ? lowerBound(names, pastEntry(entry)) : at + 1
  }
}

const SORT_KEYS: Record<string, (object: StoredObject) => string> = {
  name: object => object.name,
  created_at: object => object.createdAt,
  updated_at: object => object.updatedAt,
  last_accessed_at: object => object.updatedAt
}

function sorted (files: StoredObject[], { column = 'name', order = 'asc' }: LevelQuery['sortBy'] = {}) {
  const keyOf = SORT_KEYS[column] ?? SORT_KEYS.name!
  const sign = order.toLowerCase() === 'desc' ? -1 : 1
  return files.sort((a, b) => {
    const [left, right] = [keyOf(a), keyOf(b)]
    return left === right ? 0 : left < right ? -sign : sign
  })
}

/** One level as `list()` shows it: folders, then files, named relative to it. `search` is the beginning of a name. */
export function listLevel (index: ObjectIndex, { prefix, search = '', limit, offset, sortBy }: LevelQuery) {
  const level = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
  const sought = search.toLowerCase()
  const relative = (name: string) => name.slice(level.length)
  const entries = [...walk(index.names(), level, true)].filter(({ name }) => relative(name).toLowerCase().startsWith(sought))
  const folders = entries.filter(entry => entry.isFolder).map(entry => toFolderRow(relative(entry.name).slice(0, -1)))
  if (sortBy?.column === 'name' && sortBy.order?.toLowerCase() === 'desc') folders.reverse()
  const files = sorted(entries.filter(entry => !entry.isFolder).map(entry => index.get(entry.name)!), sortBy)
  return [...folders, ...files.map(file => toFileRow(file, relative(file.name)))].slice(offset, offset + limit)
}

/** One page of `listV2()`: whole keys in order, after the cursor. */
export function listPage (index: ObjectIndex, { prefix, limit, cursor, delimited }: PageQuery) {
  const last: Entry | undefined = cursor === undefined ? undefined : decodeCursor(cursor, delimited)
  const walker = walk(index.names(), prefix, delimited, last && pastEntry(last))
  const entries: Entry[] = []
  for (const entry of walker) if (entries.push(entry) > limit) break
  const page = entries.slice(0, limit)
  const hasNext = entries.length > limit
  return {
    hasNext,
    ...hasNext && { nextCursor: encodeCursor(page.at(-1)!) },
    folders: page.filter(entry => entry.isFolder).map(({ name }) => ({ name, key: name })),
    objects: page.filter(entry => !entry.isFolder).map(({ name }) => ({ ...toFileRow(index.get(name)!, name), key: name }))
  }
}

const encodeCursor = ({ name }: Entry) => Buffer.from(`l:${name}`).toString('base64')

function decodeCursor (cursor: string, delimited: boolean): Entry {
  const name = Buffer.from(cursor, 'base64').toString().slice(2)
  return { name, isFolder: delimited && name.endsWith('/') }
}
