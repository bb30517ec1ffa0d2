import { fileURLToPath } from 'node:url'
import { ESLint } from 'eslint'
import t from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))
const eslint = new ESLint({ cwd: root })

/** Lints `text` as if it were the content of the file at `path`. @returns the rules that it breaks */
async function brokenRules(path: string, text: string) {
  const [result] = await eslint.lintText(text, { filePath: `${root}${path}` })
  return result?.messages.map(({ ruleId }) => ruleId)
}

t.test('an import that goes up a layer is reported', async (t) => {
  const path = 'src/server/audio/formats.ts'
  t.strictSame(await brokenRules(path, "import '../http/request-id.ts'\n"), ['import-x/no-restricted-paths'])
  t.strictSame(await brokenRules(path, "import '../errors.ts'\n"), [])
})

t.test('an import from the server into the contract is reported', async (t) => {
  const path = 'src/contract/uuid.ts'
  t.strictSame(await brokenRules(path, "import '../server/errors.ts'\n"), ['import-x/no-restricted-paths'])
})

t.test('a circle of imports is reported', async (t) => {
  const text = "import { detectFormat } from './detect-format.ts'\n\nexport const detect = detectFormat\n"
  t.strictSame(await brokenRules('src/server/audio/formats.ts', text), ['import-x/no-cycle'])
})
