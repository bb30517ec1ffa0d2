import { styleText } from 'node:util'

// hasColors() is false under NO_COLOR and NODE_DISABLE_COLORS.
const hasColors = process.stdout.isTTY === true && process.stdout.hasColors()

/** Colours the text on a terminal, and leaves it plain in a file or a pipe. */
export function paint(format: Parameters<typeof styleText>[0], text: string): string {
  return hasColors ? styleText(format, text) : text
}

/** Does the work of one step of the start, and prints a line with its outcome and duration. */
export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now()
  const report = (mark: string) => {
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.log(`  ${mark} ${title.padEnd(18)} ${paint('dim', `${seconds} s`)}`)
  }
  try {
    const result = await work()
    report(paint('green', '✓'))
    return result
  } catch (error) {
    report(paint('red', '✗'))
    throw error
  }
}
