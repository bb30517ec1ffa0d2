import { execFileSync } from 'node:child_process'
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os'

/** The machine, the commit and the date of a run, in one line. */
export function describeRun(): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  const machine = `Node.js ${process.version}, ${platform()} ${release()} ${arch()}, ${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${gigabytes} GB`
  return `${machine}; commit ${describeCommit()}; ${new Date().toISOString().slice(0, 10)}.`
}

function describeCommit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim()
  try {
    const isClean = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'prisma') === ''
    return `${git('rev-parse', '--short', 'HEAD')}${isClean ? '' : ' with changes'}`
  } catch {
    return 'unknown' // not a checkout
  }
}
