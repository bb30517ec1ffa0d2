import { readdirSync } from 'node:fs'
import root, { type Test } from 'tap'

const directory = new URL('../', import.meta.url)

/**
 * Which test files share a process: those whose path in test/ starts with one of these; the first group counts.
 * `rest` runs all others. `accounts` and `slow` belong to the system tier: their files wait for time limits, start
 * the whole development stack, send many requests or large bodies.
 */
const groups = {
  accounts: ['server/account/', 'server/reconcile/', 'server/v0/history'],
  slow: [
    'client/resumable-upload',
    'dev/object-storage',
    'dev/practice-journal',
    'server/bad-input',
    'server/database/client',
    'server/sessions/edit-session',
    'server/sessions/races',
    'server/sessions/body/plugin',
    'server/storage/playback-urls',
    'server/tracing/plugin'
  ],
  client: ['client/', 'contract/', 'dev/', 'scripts/'],
  sessions: ['server/sessions/', 'server/stats/', 'server/storage/', 'server/users/'],
  rest: []
} satisfies Record<string, string[]>

type Group = keyof typeof groups

const groupOf = (file: string): string =>
  Object.entries(groups).find(([, prefixes]) => prefixes.some((prefix) => file.startsWith(prefix)))?.[0] ??
  'rest'

const testFiles = (): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()

let current: Test = root

/** The subtest of the file that is being imported, which the file gets as its `t`. */
export const currentTest = (): Test => current

/**
 * Runs the test files of a group in this process, one after the other. Each file is a subtest: its `t` of
 * 'tap' is that subtest (scripts/typescript-loader.mjs replaces the import), so its teardown runs before the
 * next file starts.
 */
export function runTests(group: Group): void {
  for (const file of testFiles().filter((file) => groupOf(file) === group)) {
    // All are queued at once, because tap ends the tests of a process when its queue is empty.
    root.test(`test/${file}`, async (t) => {
      current = t
      await import(new URL(`${file}?in-group`, directory).href)
    })
  }
}
