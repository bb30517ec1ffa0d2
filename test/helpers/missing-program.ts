import { spawnSync } from 'node:child_process'

/**
 * The reason to skip a test that needs a program of the system; false where it is installed.
 * @throws {Error} in CI, which installs all of them
 */
export function isMissing(program: string, question: string): string | false {
  if (spawnSync(program, [question]).error === undefined) return false
  if (process.env['CI']) throw new Error(`${program} is missing`)
  return `${program} is not installed`
}
