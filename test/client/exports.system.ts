import t from 'tap'
import { execFile } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build, type Metafile, type Plugin } from 'esbuild'
import { buildClient, entries } from './helpers/build.ts'

/**
 * After gzip, in bytes. `.`: what an app loads at first; `resumable`: the client of TUS, which is loaded with
 * the first large recording; `./account`: what a page about the account loads; `all`: the other three imports as an app
 * bundles them, each module once; `later`: what is loaded with the first read of an outbox, the first upload with
 * progress or the first large recording.
 */
const LIMIT = { '.': 7_000, './account': 3_000, resumable: 2_000, all: 16_000, later: 5_000 }
/** What the client may share with the server: functions without other imports, and limits. */
const PURE_MODULES = [
  'adjust-stats',
  'daily-practice',
  'limits',
  'local-day',
  'practice-days',
  'retry',
  'uuid'
].map((name) => `contract/${name}.js`)
const root = fileURLToPath(new URL('../..', import.meta.url))

t.test('the package exports', async (t) => {
  const directory = await buildClient(t)
  const dynamicImports = new Map<string, string>()
  /** Excludes dynamic imports from the bundle and collects them. */
  const excludeDynamicImports: Plugin = {
    name: 'exclude dynamic imports',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined
        dynamicImports.set(path, join(resolveDir, path))
        return { path, external: true }
      })
  }

  async function bundle(name: string, file: string, plugin = excludeDynamicImports) {
    const {
      metafile,
      outputFiles: [output]
    } = await build({
      entryPoints: [file],
      absWorkingDir: directory,
      outdir: 'bundles',
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      format: 'esm',
      packages: 'external',
      plugins: [plugin]
    })
    const foreign = Object.values(metafile.outputs).flatMap(({ imports }) =>
      imports.filter(({ kind }) => kind !== 'dynamic-import').map(({ path }) => path)
    )
    return {
      name,
      modules: Object.keys(metafile.inputs),
      foreign,
      size: gzipSync(output?.contents ?? '', { level: 9 }).length
    }
  }

  /** Excludes everything but the client of TUS itself. */
  const onlyTus: Plugin = {
    name: 'only TUS',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^\./ }, ({ path }) => (path === './tus.js' ? undefined : { path, external: true }))
  }

  const bundles = await Promise.all(entries.map(({ name, file }) => bundle(name, join(directory, file))))
  // Measured with all their imports, although an app has loaded most of those already.
  for (const [name, file] of dynamicImports) bundles.push(await bundle(name, file))

  await t.test('import only each other, and Zustand in ./zustand', async (t) => {
    for (const { name, modules, foreign } of bundles) {
      t.strictSame(foreign, name === './zustand' ? ['zustand'] : [], name)
      t.strictSame(
        modules.filter((module) => !module.startsWith('client/') && !PURE_MODULES.includes(module)),
        [],
        'of the contract only pure functions and limits'
      )
    }
  })

  await t.test('need no newer syntax than the oldest supported browsers have', async (t) => {
    for (const { file } of entries) {
      const built = await Promise.all(
        ['esnext', ['safari15.4', 'firefox115', 'chrome109']].map((target) =>
          build({
            entryPoints: [join(directory, file)],
            target,
            bundle: true,
            write: false,
            format: 'esm',
            packages: 'external'
          })
        )
      )
      const [newest, oldest] = built.map(({ outputFiles }) => outputFiles[0]?.text)
      t.equal(oldest, newest, file)
    }
  })

  await t.test('are small', async (t) => {
    const { metafile, outputFiles } = await build({
      stdin: {
        contents: entries
          .filter(({ name }) => name !== './account')
          .map(({ file }) => `export * from '${file}'`)
          .join('\n'),
        resolveDir: directory
      },
      absWorkingDir: directory,
      outdir: 'bundles',
      bundle: true,
      minify: true,
      splitting: true,
      write: false,
      metafile: true,
      format: 'esm',
      packages: 'external'
    })
    const first = staticallyImported(metafile.outputs, 'bundles/stdin.js')
    const sizeOf = (isCounted: (path: string) => boolean) =>
      outputFiles
        .filter(({ path }) => isCounted(relative(directory, path)))
        .reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0)
    const all = sizeOf((path) => first.has(path))
    const later = sizeOf((path) => !first.has(path))
    const resumable = await bundle('resumable', join(directory, 'client/resumable-upload.js'), onlyTus)
    t.comment(
      `gzipped bytes: TUS ${resumable.size}, ${bundles.map(({ name, size }) => `${name} ${size}`).join(', ')}, all ${all}, later ${later}`
    )
    for (const entry of ['.', './account'] as const) {
      t.ok((bundles.find(({ name }) => name === entry)?.size ?? Infinity) <= LIMIT[entry], entry)
    }
    t.ok(resumable.size <= LIMIT.resumable)
    t.ok(all > 0 && all <= LIMIT.all)
    t.ok(later > 0 && later <= LIMIT.later)
  })

  await t.test('have types that compile in strict mode with either module resolution', async (t) => {
    const app = join(directory, 'app')
    await mkdir(join(app, 'node_modules/@harmony-helper'), { recursive: true })
    await symlink(directory, join(app, 'node_modules/@harmony-helper/client'))
    await symlink(join(root, 'node_modules'), join(directory, 'node_modules'))
    await writeFile(
      join(app, 'app.ts'),
      `
      import { createStorageService, StorageError, type IStorageService, type PracticeStorage } from '@harmony-helper/client'
      import { createOutbox, importHistory } from '@harmony-helper/client/offline'
      import { createSessionStore } from '@harmony-helper/client/zustand'
      import { createAccountService, type Account } from '@harmony-helper/client/account'
      import type { Auth0ContextInterface } from '@auth0/auth0-react'
      declare const { getAccessTokenSilently }: Auth0ContextInterface
      declare const requestToken: () => Promise<string>
      createStorageService({ getAccessToken: requestToken })
      const env: { VITE_USE_MOCK_STORAGE?: string } = {}
      const service: PracticeStorage = createStorageService({ mock: env.VITE_USE_MOCK_STORAGE, getAccessToken: getAccessTokenSilently, getProfile: () => ({ sub: 'x' }) })
      export const seed: IStorageService = service
      const outbox = createOutbox(service, { account: 'x' })
      export const minutesOf = async (): Promise<Account['total_minutes']> => (await createAccountService({ getAccessToken: requestToken }).getAccount()).total_minutes
      // @ts-expect-error
      createAccountService({ getAccessToken: requestToken }).getAccount().then(({ sessions }) => sessions)
      export const useSessionStore = createSessionStore(outbox)
      export const minutes: number = useSessionStore.getState().stats?.weekly_progress[0]?.minutes ?? 0
      // @ts-expect-error -- would compile if the types were missing
      createOutbox(service, { account: 1 })
      // @ts-expect-error
      useSessionStore.getState().history[0]?.xmlContent.length
      importHistory(createStorageService({ mock: true }), service).then(({ problems }) => problems[0]?.reason.code, (error: StorageError) => error.detail)
    `
    )
    for (const [module, moduleResolution] of [
      ['esnext', 'bundler'],
      ['nodenext', 'nodenext']
    ] as const) {
      await writeFile(join(app, 'package.json'), '{"type":"module"}')
      await writeFile(
        join(app, 'tsconfig.json'),
        JSON.stringify({
          compilerOptions: {
            module,
            moduleResolution,
            target: 'es2023',
            lib: ['es2023', 'dom', 'dom.iterable'],
            strict: true,
            noEmit: true,
            types: [],
            preserveSymlinks: true
          },
          files: ['app.ts']
        })
      )
      const { stdout } = await promisify(execFile)(process.execPath, [
        join(root, 'node_modules/typescript/bin/tsc'),
        '-p',
        app
      ]).catch((error) => error as { stdout: string })
      t.equal(stdout, '', moduleResolution)
    }
  })
})

/** The output files that are loaded with `path`. */
function staticallyImported(outputs: Metafile['outputs'], path: string, found = new Set<string>()) {
  if (found.has(path) || !outputs[path]) return found
  found.add(path)
  for (const { kind, path: imported } of outputs[path].imports) {
    if (kind === 'import-statement') staticallyImported(outputs, imported, found)
  }
  return found
}
