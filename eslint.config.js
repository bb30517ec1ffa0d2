import neostandard, { resolveIgnoresFromGitignore } from 'neostandard'

// Prettier owns the style: `npm run format`.
export default neostandard({ ts: true, noStyle: true, ignores: resolveIgnoresFromGitignore() })
