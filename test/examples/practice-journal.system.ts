import { readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import type { BrowserContext, Page, Route } from 'playwright-core'
import t, { type Test } from 'tap'
import { findChromium } from '../client/helpers/browser.ts'
import {
  button,
  download,
  drag,
  fastForwardUntil,
  isHeard,
  listen,
  listenTo,
  breakMicrophone,
  prepare,
  record,
  RECORDING,
  row,
  pageText,
  save,
  SCORE,
  signIn,
  tokenOf,
  waitUntilSent
} from './helpers/actions.ts'
import { startBrowser } from './helpers/browser.ts'
import { checkAccessibility } from './helpers/accessibility.ts'
import { startJournalSite, type Mode } from './helpers/journal-site.ts'
import { expiringRecording } from './helpers/expiring-recording.ts'
import { localDocument, sampleHistory } from './helpers/sample-history.ts'

const { chromium, skip } = await findChromium()
t.setTimeout(580_000)

t.test('the practice journal', { skip }, async (t) => {
  t.setTimeout(580_000)
  const [journal, browser] = await Promise.all([startJournalSite(t), startBrowser(t, chromium)])
  let users = 0

  /** A browser profile for a new user, with a microphone and without animations. */
  async function newContext(t: Test, mode: Mode): Promise<BrowserContext> {
    journal.serve(mode)
    const sub = `auth0|musician-${++users}`
    const context = await browser.newContext({
      reducedMotion: 'reduce',
      serviceWorkers: 'block', // Playwright does not see what they answer
      permissions: ['microphone'],
      timezoneId: 'Europe/Berlin',
      locale: 'en-GB'
    })
    context.setDefaultTimeout(60_000) // for slow machines
    await context.route(
      (url) => url.pathname === '/authorize',
      (route, request) => {
        const url = new URL(request.url())
        url.searchParams.set('login_hint', sub)
        return route.fulfill({ status: 302, headers: { location: url.href } })
      }
    )
    t.teardown(() => context.close())
    return context
  }

  async function open(context: BrowserContext): Promise<Page> {
    const page = await context.newPage()
    page.on('pageerror', (error) => t.fail('an uncaught error', { error }))
    await page.goto(journal.origin)
    return page
  }

  async function openAccount(t: Test): Promise<Page> {
    const page = await open(await newContext(t, 'account'))
    await signIn(page)
    await page.getByText('No sessions yet').waitFor()
    return page
  }

  const results: string[][] = []
  for (const mode of ['mock', 'account'] as const) {
    await t.test(
      `records, saves, plays and deletes sessions, stored in the ${mode === 'mock' ? 'browser' : 'account'}`,
      async (t) => {
        const page = await open(await newContext(t, mode))
        const loaded: string[] = []
        page.on('request', (request) => loaded.push(request.url()))
        // Both modes show the same pages, so one check is enough.
        const check = async (what: string) => {
          if (mode === 'account') await checkAccessibility(t, page, what)
        }
        if (mode === 'account') {
          await button(page, 'Sign in').waitFor()
          await check('welcome')
          const [synced] = await Promise.all([
            page.waitForResponse(
              (response) =>
                response.url().endsWith('/api/users/sync') && response.request().method() === 'POST'
            ),
            signIn(page)
          ])
          t.equal(synced.status(), 201, 'tells the server who has signed in')
          t.equal(synced.request().postDataJSON().timeZone, 'Europe/Berlin')
        }
        await page.getByText('No sessions yet').waitFor()
        await check('empty')
        const texts = [await pageText(page)]

        t.notOk(
          loaded.some((url) => url.includes('opensheetmusicdisplay')),
          'the score renderer is not loaded before a score is added'
        )
        await page.getByLabel('Add a score').setInputFiles(SCORE)
        await page.locator('.sheet svg').waitFor()
        t.match(
          await page.getByLabel('Piece', { exact: true }).inputValue(),
          /Ode an die Freude/,
          'named after its score'
        )

        await record(page, 'Ode to Joy', 1)
        await page.waitForFunction(
          () => Number(document.querySelector('[role=meter]')?.getAttribute('aria-valuenow')) > 20
        )
        await button(page, 'Pause').click()
        await page.getByText('Paused.', { exact: true }).waitFor()
        const paused = await page.getByRole('timer').innerText()
        await check('recording')
        t.equal(await page.getByRole('timer').innerText(), paused, 'the timer stops during a pause')
        await button(page, 'Resume').click()
        await page.getByText('Recording.', { exact: true }).waitFor()
        await page.waitForFunction(
          (paused) => document.querySelector('[role=timer]')?.textContent !== paused,
          paused
        )
        await button(page, 'Stop').click()
        await listen(page)
        await check('recorded')
        await save(page)

        const secondTab = await open(page.context())
        await row(secondTab, 'Ode to Joy').waitFor()
        await page.bringToFront() // Chromium throttles a page in the background
        await prepare(page, 'Suite in G')
        await save(page)
        await page.getByText('= 1').waitFor()
        await waitUntilSent(page, 'Suite in G')
        texts.push(await pageText(page))
        await row(secondTab, 'Suite in G').waitFor()
        await secondTab.close()

        await row(page, 'Suite in G').click()
        await listenTo(page, 'Suite in G')
        const position = page.getByRole('slider', { name: 'Position' })
        await position.focus()
        await page.keyboard.press('End')
        t.equal(await position.getAttribute('aria-valuetext'), '0:03 of 0:03', 'seeks by keyboard')
        t.same((await download(page, 'Download recording')).bytes, await readFile(RECORDING))
        await row(page, 'Suite in G').click()

        await row(page, 'Ode to Joy').click()
        await button(page, 'Show score').click()
        await page.locator('.sheet svg').waitFor()
        const score = await download(page, 'Download score')
        t.equal(score.name, 'Ode to Joy.musicxml')
        t.same(score.bytes, await readFile(SCORE))
        await check('session')

        await button(page, 'Edit').click()
        const form = page.getByRole('form', { name: 'Edit Ode to Joy' })
        await form.getByLabel('Instrument').fill('Viola')
        await form.getByLabel('Minutes practised').fill('12')
        await form.getByLabel('Notes').fill('Left hand alone first')
        await check('editing')
        await button(page, 'Save changes').click()
        await form.waitFor({ state: 'detached' })
        await page.getByText('Left hand alone first').waitFor()
        t.match(await row(page, 'Ode to Joy').innerText(), /Viola[^]*12 min/)
        t.equal(await page.evaluate(() => document.activeElement?.textContent), 'Edit', 'keeps the focus')
        await row(page, 'Ode to Joy').click()

        await button(page, 'Progress').click()
        await page.getByText('12 min in 2 sessions').waitFor()
        await page.locator('.react-activity-calendar__calendar').waitFor()
        await page.getByLabel('Progress of').selectOption('Suite in G')
        await page.getByText('No accuracy has been measured for Suite in G yet.').waitFor()
        await check('progress')
        await button(page, 'Progress').click()

        await page.getByRole('searchbox').fill('suite cello')
        await page.getByText('1 session found').waitFor()
        t.equal(await row(page, 'Ode to Joy').count(), 0)
        await page.getByRole('searchbox').fill('')

        await row(page, 'Suite in G').click()
        await button(page, 'Delete').click()
        await button(page, 'Undo').click()
        await row(page, 'Suite in G').click()
        const isDeleted =
          mode === 'account' && page.waitForResponse((response) => response.request().method() === 'DELETE')
        await button(page, 'Delete').click()
        await page.getByText('“Suite in G” will be deleted.').waitFor()
        await check('deleted')
        // After ten seconds it happens by itself.
        await button(page, 'Delete now')
          .click({ timeout: 10_000 })
          .catch(() => {})
        await isDeleted // a reload before the answer would cancel the request
        await page.getByText('“Suite in G” will be deleted.').waitFor({ state: 'detached' })
        await page.reload()
        await row(page, 'Ode to Joy').waitFor()
        t.equal(await row(page, 'Suite in G').count(), 0, 'the session stays deleted')
        texts.push(await pageText(page))
        results.push(texts)

        if (mode === 'account') {
          await button(page, 'Sign out').click()
          await button(page, 'Sign in').waitFor()
        }
      }
    )
  }

  await t.test('shows the same text in both modes', async (t) => {
    const [mock = [], account] = results.map((texts) =>
      texts.map((text) => text.replace(/\d+ s\b/g, '(seconds)'))
    )
    t.ok(mock.length === 3)
    t.strictSame(mock, account)
  })

  await t.test(
    'switches from the browser to the account and imports the history despite interruptions',
    async (t) => {
      const context = await newContext(t, 'mock')
      const history = await sampleHistory()
      history[1]!.instrument = ''
      await context.addInitScript((local) => {
        localStorage['harmony-helper-storage'] ??= local
      }, localDocument(history))
      const page = await open(context)
      await row(page, 'Clair de lune').waitFor()
      await page.getByText('= 5').waitFor()
      await button(page, 'Play Hanon, No. 12').click()
      await isHeard(page)
      await button(page, 'Play Étude Op. 10 No. 3').click()
      await button(page, 'Play Hanon, No. 12').waitFor()
      await isHeard(page)
      t.equal(
        await page.evaluate(
          () => [...document.querySelectorAll('audio')].filter((audio) => !audio.paused).length
        ),
        1,
        'one recording plays at a time'
      )

      await page.getByLabel('Filter by instrument').selectOption('Cello')
      await page.getByText('3 sessions found, 2 h 34 min').waitFor()
      await page.getByLabel('Filter by piece').selectOption('Suite No. 1 in G – Menuet')
      await page.getByText('1 session found, 1 h 4 min').waitFor()
      await page.getByLabel('Filter by instrument').selectOption('')

      await row(page, 'Ode to Joy').first().click()
      await button(page, 'Show score').click()
      await page.getByRole('img', { name: 'Score of Ode to Joy', exact: true }).locator('svg').waitFor()
      await page
        .getByRole('img', { name: 'Score of Ode to Joy, marked by the coach' })
        .locator('svg')
        .waitFor()
      const feedback = page.locator('.markdown')
      t.equal(await feedback.locator('strong').last().innerText(), 'dotted notes')
      t.equal(await feedback.locator('li').count(), 2)
      t.equal(
        await feedback.locator('img, h2, [href^=javascript]').count(),
        0,
        'nothing that runs or is loaded'
      )
      t.equal(
        await feedback.getByRole('link', { name: 'More' }).getAttribute('href'),
        'https://example.com/pedal'
      )
      await checkAccessibility(t, page, 'journal')
      await button(page, 'Progress').click()
      await page.getByLabel('Progress of').selectOption('Ode to Joy')
      await page.getByRole('table', { name: 'Accuracy of Ode to Joy in per cent' }).waitFor()
      await page.getByText(/^Per cent, (Today|Yesterday)$/).waitFor() // measured once
      await button(page, 'year').click()
      await page.getByText(/^\d+ min in [12] sessions?$/).waitFor() // one of them may be of last year
      await button(page, 'week').click()
      await button(page, 'Previous week').click()
      await button(page, 'Previous week').click()
      await page.getByText('0 min in 0 sessions').waitFor()

      journal.serve('account')
      await page.reload()
      await page.clock.install()
      await signIn(page)
      const sent = new Set<string>()
      await page.route('**/api/sessions', async (route, request) => {
        if (request.method() !== 'POST') return route.fallback()
        const { id } = request.postDataJSON()
        const isFourth = sent.size === 3 && !sent.has(id)
        sent.add(id)
        if (isFourth) {
          await context.setOffline(true)
          await route.abort('internetdisconnected')
        } else if (sent.size < 6) await route.continue() // the sixth hangs
      })
      await button(page, `Import ${history.length} sessions`).click()
      await page.getByText(`3 of ${history.length}, waiting for the network`).waitFor()
      await checkAccessibility(t, page, 'import interrupted')
      await context.setOffline(false)
      await fastForwardUntil(page, page.getByText(`5 of ${history.length}`, { exact: true }))
      await button(page, 'Stop').click()
      await page.getByText(`Stopped after 5 of ${history.length}.`).waitFor()
      await button(page, 'Continue import').waitFor()

      await page.unroute('**/api/sessions')
      await page.reload()
      await button(page, `Import ${history.length} sessions`).click()
      await page.getByText('5 sessions imported, 5 were already in your journal.').waitFor()
      await page.getByText('Imported with changes: instrument.').waitFor()
      await checkAccessibility(t, page, 'imported')
      await row(page, 'Clair de lune').click()
      await listenTo(page, 'Clair de lune')

      await button(page, 'Remove imported sessions from this browser').click()
      await button(page, 'Import 1 session').waitFor()
    }
  )

  await t.test('handles failures', async (t) => {
    const page = await openAccount(t)
    await page.clock.install()
    const sessions = `${journal.api}/api/sessions`
    const stats = `${journal.api}/api/stats*`
    page.on('dialog', (dialog) => dialog.accept())

    await t.test(
      'saves sessions while offline, sends them once when online, and shows what the server refused',
      async (t) => {
        await prepare(page, 'Prelude')
        await onNextSave(page, async (route) => {
          await page.context().setOffline(true)
          await route.abort('internetdisconnected')
        })
        await button(page, 'Save').click()
        await fastForwardUntil(page, page.getByText(/^Saved in this browser/))
        await page.getByText('Will be sent when you are online.').waitFor()
        await page.getByText(/^You are offline/).waitFor()
        await row(page, 'Prelude').click()
        await listenTo(page, 'Prelude')

        await page.getByLabel('Piece', { exact: true }).fill('Gigue')
        await page
          .getByLabel('Choose a recording')
          .setInputFiles({ name: 'gigue.webm', mimeType: 'audio/webm', buffer: Buffer.from('No music') })
        await page.getByText(/^The recording cannot be played/).waitFor()
        await save(page, /^Saved in this browser/)
        await checkAccessibility(t, page, 'offline')

        await page.context().setOffline(false)
        await page
          .getByText(/^Not saved: This file is not a supported recording/)
          .first()
          .waitFor()
        await checkAccessibility(t, page, 'refused')
        t.equal(await row(page, 'Prelude').count(), 1, 'once')
        t.equal(await row(page, 'Prelude').getByText('waiting').count(), 0, 'delivered')
        await row(page, 'Gigue').getByText('not saved').waitFor()

        const [again] = await Promise.all([
          page.waitForResponse((response) => response.request().method() === 'POST'),
          button(page, 'Try again').click()
        ])
        t.equal(again.status(), 415)
        await button(page, 'Try again').waitFor()
        await page.getByRole('region', { name: 'Not saved' }).getByRole('button', { name: 'Delete' }).click()
        await row(page, 'Gigue').waitFor({ state: 'detached' })
        t.equal(await page.getByRole('region', { name: 'Not saved' }).count(), 0)
      }
    )

    await t.test('lets a refused session be saved without its recording', async (t) => {
      await page.getByLabel('Piece', { exact: true }).fill('Gavotte')
      await page
        .getByLabel('Choose a recording')
        .setInputFiles({ name: 'gavotte.webm', mimeType: 'audio/webm', buffer: Buffer.from('No music') })
      await page.getByLabel('Minutes practised').fill('15')
      await button(page, 'Save').click()
      await button(page, 'Save without the recording').click()
      await page.getByRole('region', { name: 'Not saved' }).waitFor({ state: 'detached' })
      await row(page, 'Gavotte').getByText('not saved').waitFor({ state: 'detached' })
      t.match(await row(page, 'Gavotte').innerText(), /15 min/)
      await button(page, 'Play Gavotte').waitFor({ state: 'detached' })
    })

    await t.test('lets a refused change be discarded, and keeps the session', async (t) => {
      await row(page, 'Gavotte').click()
      const edit = page.locator('.entry', { hasText: 'Gavotte' }).getByRole('button', { name: 'Edit' })
      await edit.waitFor()
      await page.context().setOffline(true)
      await edit.click()
      const form = page.getByRole('form', { name: 'Edit Gavotte' })
      await form.getByLabel('Minutes practised').fill('30')
      await button(page, 'Save changes').click()
      await form.waitFor({ state: 'detached' })
      await row(page, 'Gavotte').getByText('waiting').waitFor()
      await page.route(`${sessions}/*`, (route) =>
        route.request().method() === 'PATCH'
          ? route.fulfill({
              status: 400,
              headers: { 'access-control-allow-origin': '*' },
              json: { code: 'invalid_input', detail: 'Invalid.' }
            })
          : route.fallback()
      )
      await page.context().setOffline(false)
      await row(page, 'Gavotte').getByText('not saved').waitFor()
      await checkAccessibility(t, page, 'change refused')
      await button(page, 'Discard the change').click()
      await row(page, 'Gavotte').getByText('not saved').waitFor({ state: 'detached' })
      t.match(await row(page, 'Gavotte').innerText(), /15 min/)
      await page.unroute(`${sessions}/*`)
      await row(page, 'Gavotte').click()
    })

    await t.test('shows what cannot be loaded, and loads it on request', async (t) => {
      let answer = () => {}
      const asked = new Promise<void>((resolve) => {
        answer = resolve
      })
      const broken = {
        status: 500,
        headers: { 'access-control-allow-origin': '*' },
        json: { code: 'internal_error', detail: 'Something went wrong here. Try again later.' }
      }
      await page.route(sessions, async (route) => {
        await asked
        await route.fulfill(broken)
      })
      await page.reload()
      await page.getByText('Loading your journal…').waitFor()
      await checkAccessibility(t, page, 'loading')
      answer()
      await page.getByText('Your journal could not be loaded').waitFor()
      await page.getByText('Something went wrong here').waitFor()
      await checkAccessibility(t, page, 'not loaded')

      await page.unroute(sessions)
      await page.route(stats, (route) => route.fulfill(broken))
      await button(page, 'Try again').click()
      await row(page, 'Prelude').waitFor()
      await page.unroute(stats)
      await button(page, 'Try again').click()
      await page.getByText('Something went wrong here').waitFor({ state: 'detached' })
    })

    await t.test('continues playing when the URL of a recording expires', async (t) => {
      const recording = await expiringRecording(page)
      const player = page.getByRole('group', { name: 'Recording of Prelude' })
      const position = player.getByRole('slider', { name: 'Position' })
      const playedTo = async (seconds: number) => {
        await page.waitForFunction(
          (seconds) =>
            Number(
              document.querySelector('audio[src*=token]')?.closest('.player')?.querySelector('input')?.value
            ) > seconds,
          seconds
        )
      }
      await page.reload()
      await row(page, 'Prelude').click()
      await button(page, 'Play Prelude').click()
      await playedTo(0.3)

      recording.expire()
      await position.fill('300')
      await playedTo(300.3)
      t.equal(await button(page, 'Pause Prelude').count(), 1, 'still playing')

      recording.expire()
      recording.block(true)
      await position.fill('500')
      await player.getByText(/^The recording cannot be played/).waitFor()
      await checkAccessibility(t, page, 'not playable')
      recording.block(false)
      await player.getByRole('button', { name: 'Try again' }).click()
      await playedTo(500.3)
      await button(page, 'Pause Prelude').click()

      recording.expire()
      await position.fill('100')
      await player.getByText('1:40 / 10:00').waitFor()
      await button(page, 'Play Prelude').click()
      await playedTo(100.3)
      await row(page, 'Prelude').click()
    })

    await t.test(
      'shows why there is no microphone, and keeps the recording when it is disconnected',
      async (t) => {
        for (const [how, message] of [
          ['NotAllowedError', /may not use the microphone/],
          ['NotFoundError', /No microphone was found/]
        ] as const) {
          await breakMicrophone(page, how)
          await button(page, 'Record').click()
          await page.getByRole('alert').getByText(message).waitFor()
        }
        await checkAccessibility(t, page, 'no microphone')

        await breakMicrophone(page, 'unplugged')
        await record(page, 'Unplugged', 1)
        await page.evaluate(() => dispatchEvent(new Event('unplug')))
        await page.getByText(/^The microphone was disconnected/).waitFor()
        await listen(page)
        await checkAccessibility(t, page, 'microphone gone')
      }
    )

    await t.test('accepts dropped files, and shows which ones it cannot accept', async (t) => {
      const recording = { name: 'take.webm', type: 'audio/webm', path: RECORDING }
      const drop = await drag(page, [recording])
      await checkAccessibility(t, page, 'dropping')
      await drop()
      await page.getByText(/^Save or discard the current recording/).waitFor()
      await button(page, 'Discard').click()
      await button(page, 'Record').waitFor()

      await (
        await drag(page, [recording, { name: 'ode.musicxml', type: '', path: SCORE }])
      )()
      await page.getByText('0:00 / 0:03').waitFor()
      await page.locator('.sheet svg').waitFor()
      t.match(await page.getByLabel('Piece', { exact: true }).inputValue(), /Ode an die Freude/)
      await (
        await drag(page, [{ name: 'holiday.png', type: 'image/png' }])
      )()
      await page.getByText('holiday.png is neither a recording nor a MusicXML score.').waitFor()
      await (
        await drag(page, [{ name: 'page.xml', type: 'text/xml' }])
      )()
      await page.getByText(/^page.xml is not MusicXML/).waitFor()
      await checkAccessibility(t, page, 'dropped')
      await button(page, 'Discard').click()
    })

    await t.test('loses nothing when the page is reloaded during a recording or a save', async (t) => {
      await record(page, 'Interrupted', 3)
      await page.reload()
      await page.getByText(/^Your unsaved recording is still here/).waitFor()
      await listen(page)
      t.equal(await page.getByLabel('Piece', { exact: true }).inputValue(), 'Interrupted')

      const sent = new Promise<void>((resolve) => {
        onNextSave(page, async () => resolve()) // and no response
      })
      await button(page, 'Save').click()
      await sent
      const uploaded = await page.getByRole('progressbar', { name: 'Upload' }).getAttribute('value')
      t.ok(Number(uploaded) < 1, 'the upload is not complete before the response')
      await checkAccessibility(t, page, 'saving')
      await page.reload()
      await row(page, 'Interrupted').waitFor()
      await row(page, 'Interrupted').getByText('waiting').waitFor({ state: 'detached' })
      t.equal(await row(page, 'Interrupted').count(), 1, 'once')
      await page.getByRole('group', { name: 'Your recording' }).waitFor({ state: 'detached' })
    })

    await t.test('renews an expired token silently', async (t) => {
      await setToken(page, await expiredToken(page))
      const [refused] = await Promise.all([
        page.waitForResponse((response) => response.status() === 401 && response.url().includes('/api/')),
        page.reload()
      ])
      t.equal(refused.status(), 401)
      await prepare(page, 'Once more')
      await save(page)
      t.equal(await page.getByText(/sign-in has expired/).count(), 0)
    })

    await t.test('loses nothing when the sign-in expires during a recording', async (t) => {
      await record(page, 'Unfinished', 1)
      await setToken(page, await expiredToken(page))
      await page.route('**/oauth/token', (route) =>
        route.fulfill({
          status: 403,
          headers: { 'access-control-allow-origin': '*' },
          json: { error: 'invalid_grant', error_description: 'Revoked' }
        })
      )
      await button(page, 'Stop').click()
      await save(page, /^Saved in this browser/)
      await page.getByText(/sign-in has expired/).waitFor()
      await page.getByText('Will be sent when you sign in.').waitFor()

      await record(page, 'Still playing', 1)
      await checkAccessibility(t, page, 'signed out')
      await page.unroute('**/oauth/token')
      await button(page, 'Sign in again').click()
      await page.getByText(/^Your unsaved recording is still here/).waitFor()
      await row(page, 'Unfinished').getByText('waiting').waitFor({ state: 'detached' })
      await save(page)
      t.equal(await row(page, 'Unfinished').count(), 1)
      t.equal(await row(page, 'Still playing').count(), 1)
    })
  })

  await t.test('is small, and the layout does not shift while it loads', async (t) => {
    const context = await newContext(t, 'mock')
    const scripts = new Set<string>()
    context.on('request', (request) => {
      const { pathname } = new URL(request.url())
      if (pathname.endsWith('.js')) scripts.add(pathname)
    })
    await context.addInitScript(
      (local) => {
        localStorage['harmony-helper-storage'] = local
      },
      localDocument(await sampleHistory())
    )
    await context.addInitScript(() => {
      const total = Object.assign(globalThis, { moved: 0 })
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          total.moved += (entry as PerformanceEntry & { value: number }).value
        }
      }).observe({ type: 'layout-shift', buffered: true })
    })
    for (const viewport of [
      { width: 390, height: 844 },
      { width: 1280, height: 900 }
    ]) {
      const page = await context.newPage()
      await page.setViewportSize(viewport)
      await page.goto(journal.origin)
      await row(page, 'Clair de lune').waitFor()
      await page.locator('.graph svg').waitFor()
      await page.evaluate(
        () =>
          new Promise((resolve) => {
            requestAnimationFrame(() => setTimeout(resolve))
          })
      ) // wait until the paint is reported
      const moved = await page.evaluate(() => (globalThis as unknown as { moved: number }).moved)
      t.ok(moved < 0.01, `a shift of ${moved} at ${viewport.width} pixels`)
      t.equal(
        await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
        true,
        'no horizontal scrolling'
      )
    }
    const sizes = await Promise.all(
      [...scripts].map(async (path) => gzipSync(await readFile(journal.file(path))).length)
    )
    const size = sizes.reduce((sum, size) => sum + size, 0)
    t.ok(size > 0 && size < 250_000, `${size} bytes of initial script, gzipped`)
  })

  await t.test('scrolls through five thousand sessions', async (t) => {
    const context = await newContext(t, 'mock')
    const sessions = Array.from({ length: 5000 }, (_, index) => ({
      id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      date: new Date(Date.now() - index * 8 * 3_600_000).toISOString(),
      songName: `Étude ${index}`,
      instrument: index % 2 ? 'Piano' : 'Cello',
      durationSeconds: 600
    }))
    await context.addInitScript((local) => {
      localStorage['harmony-helper-storage'] = local
    }, localDocument(sessions))
    const page = await open(context)
    await row(page, 'Étude 0').first().waitFor()
    t.ok((await page.locator('.entry').count()) < 100, 'few are drawn at first')
    await page.evaluate(() => {
      const slow: number[] = []
      Object.assign(globalThis, { slow })
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) slow.push(duration)
      }).observe({ type: 'longtask' })
    })
    for (let scrolls = 0; (await page.locator('.entry').count()) < 5000; scrolls++) {
      if (scrolls === 1000) throw new Error('The list no longer grows')
      await page.evaluate(
        () =>
          new Promise((resolve) => {
            scrollTo(0, document.documentElement.scrollHeight)
            requestAnimationFrame(() => setTimeout(resolve))
          })
      )
    }
    const slow = await page.evaluate(() => (globalThis as unknown as { slow: number[] }).slow)
    const longest = Math.max(0, ...slow)
    t.comment(`longest task: ${longest} ms`)
    await page.getByRole('searchbox').fill('etude 4999')
    await page.getByText('1 session found').waitFor()
    await row(page, 'Étude 4999').waitFor()
  })

  async function expiredToken(page: Page): Promise<string> {
    const { sub } = JSON.parse(Buffer.from((await tokenOf(page)).split('.')[1]!, 'base64url').toString()) as {
      sub: string
    }
    return journal.issuer.token({ sub, expiresIn: -3600 })
  }
})

/** Handles the next request that saves a session. */
async function onNextSave(page: Page, handle: (route: Route) => Promise<void>) {
  let isHandled = false
  await page.route('**/api/sessions', async (route) => {
    if (isHandled || route.request().method() !== 'POST') return route.fallback()
    isHandled = true
    await handle(route)
  })
}

function setToken(page: Page, token: string): Promise<void> {
  return page.evaluate((token) => {
    for (const [key, value] of Object.entries(localStorage)) {
      const cached = JSON.parse(value)
      if (cached?.body?.access_token) {
        localStorage.setItem(
          key,
          JSON.stringify({ ...cached, body: { ...cached.body, access_token: token } })
        )
      }
    }
  }, token)
}
