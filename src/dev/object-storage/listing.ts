import type { StoredObject } from './change-log.ts'
import type { ObjectIndex } from './object-index.ts'
import { toFileRow, toFolderRow } from './rows.ts'
import { pastEntry, walk, type Entry } from './walk.ts'

export interface LevelQuery {
  prefix: string
  search?: string
  limit: number
  offset: number
  sortBy?: { column?: string; order?: string }
}

export interface PageQuery {
  prefix: string
  limit: number
  cursor?: string
  delimited: boolean
}

const DATES: Record<string, (object: StoredObject) => string> = {
  created_at: (object) => object.createdAt,
  updated_at: (object) => object.updatedAt,
  last_accessed_at: (object) => object.updatedAt
}

/** The entries of the level at `path` whose names start with `search`. Ignores upper and lower case. */
const searchLevel = (index: ObjectIndex, path: string, search: string): Entry[] =>
  [...walk(index.names(), { prefix: path, delimited: true })].filter(({ name }) =>
    name.slice(path.length).toLowerCase().startsWith(search.toLowerCase())
  )

/** Sorts by name in lower case; a folder's name ends with its slash. */
const sortByName = (entries: Entry[]) =>
  entries
    .map((entry) => ({ entry, key: entry.name.toLowerCase() }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ entry }) => entry)

/**
 * One level as `list()` returns it, with names relative to the level: by name, or folders by name before files
 * by date.
 */
export function listLevel(
  index: ObjectIndex,
  { prefix, search = '', limit, offset, sortBy = {} }: LevelQuery
) {
  const path = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
  const entries = sortByName(searchLevel(index, path, search))
  const isDescending = sortBy.order?.toLowerCase() === 'desc'
  if (isDescending) entries.reverse()
  const dateOf = DATES[sortBy.column ?? 'name']
  const sorted = dateOf ? foldersFirst(index, entries, { dateOf, isDescending }) : entries
  return sorted
    .slice(offset, offset + limit)
    .map(({ name, isFolder }) =>
      isFolder
        ? toFolderRow(name.slice(path.length, -1))
        : toFileRow(index.get(name)!, name.slice(path.length))
    )
}

function foldersFirst(
  index: ObjectIndex,
  entries: Entry[],
  { dateOf, isDescending }: { dateOf: (object: StoredObject) => string; isDescending: boolean }
): Entry[] {
  const dates = new Map(entries.map(({ name, isFolder }) => [name, isFolder ? '' : dateOf(index.get(name)!)]))
  const direction = isDescending ? -1 : 1
  const byDate = (a: Entry, b: Entry) =>
    (dates.get(a.name)! < dates.get(b.name)! ? -1 : dates.get(a.name)! > dates.get(b.name)! ? 1 : 0) *
    direction
  return [
    ...entries.filter(({ isFolder }) => isFolder),
    ...entries.filter(({ isFolder }) => !isFolder).sort(byDate)
  ]
}

/** One page of `listV2()`: whole keys in order, after the cursor. */
export function listPage(index: ObjectIndex, { prefix, limit, cursor, delimited }: PageQuery) {
  const last: Entry | undefined = cursor === undefined ? undefined : decodeCursor(cursor, delimited)
  const walker = walk(index.names(), { prefix, delimited, from: last && pastEntry(last) })
  const entries: Entry[] = []
  for (const entry of walker) if (entries.push(entry) > limit) break
  const page = entries.slice(0, limit)
  const hasNext = entries.length > limit
  return {
    hasNext,
    ...(hasNext && { nextCursor: encodeCursor(page.at(-1)!) }),
    folders: page
      .filter((entry) => entry.isFolder)
      .map(({ name }) => ({ ...toFolderRow(name), key: name.slice(0, -1) })),
    objects: page
      .filter((entry) => !entry.isFolder)
      .map(({ name }) => ({ ...toFileRow(index.get(name)!, name), key: name }))
  }
}

const encodeCursor = ({ name }: Entry) => Buffer.from(`l:${name}`).toString('base64')

function decodeCursor(cursor: string, delimited: boolean): Entry {
  const name = Buffer.from(cursor, 'base64').toString().slice(2)
  return { name, isFolder: delimited && name.endsWith('/') }
}
