import t from 'tap'
import { readProfile } from '../../../src/server/users/profile.ts'

type Name = keyof ReturnType<typeof readProfile>
const read = (name: Name, value: unknown) => readProfile({ [name]: value })[name]

const UNUSABLE = [undefined, 7, 0, true, false, {}, [], ['x'], { length: 1 }, 'a\0b', '\ud83d']

t.test('a value of a wrong type, NUL and half a character count as left out', async (t) => {
  for (const name of ['email', 'name', 'picture', 'timeZone'] as const) {
    for (const value of UNUSABLE) t.equal(read(name, value), undefined, `${name} ${JSON.stringify(value)}`)
  }
})

t.test('an e-mail is taken as it is up to 320 characters, and never cleared', async (t) => {
  for (const email of ['clara@example.com', 'Not.Verified+tag@EXAMPLE.com', 'no address', 'x'.repeat(320)]) {
    t.equal(read('email', email), email)
  }
  for (const email of [null, '', ' ', 'x'.repeat(321)]) t.equal(read('email', email), undefined)
})

t.test('a name is cut at 300 characters, and cleared by null and an empty string', async (t) => {
  t.equal(read('name', 'Róbert 🎹'), 'Róbert 🎹')
  t.equal(read('name', 'x'.repeat(100_000)), 'x'.repeat(300))
  t.equal(read('name', '🎹'.repeat(301)), '🎹'.repeat(300), 'no character is cut in half')
  for (const name of [null, '']) t.equal(read('name', name), null)
})

t.test(
  'a picture is an http(s) URL of up to 2048 characters, cleared by null and an empty string',
  async (t) => {
    const long = `https://x.example/${'p'.repeat(2048)}`
    for (const url of ['https://x.example/p', 'HTTP://x.example', long.slice(0, 2048)]) {
      t.equal(read('picture', url), url)
    }
    for (const url of [
      'x',
      'data:,x',
      'javascript:alert(1)',
      '//x.example/p',
      'https://',
      ' https://x.example',
      long.slice(0, 2049)
    ]) {
      t.equal(read('picture', url), undefined, url.slice(0, 30))
    }
    for (const url of [null, '']) t.equal(read('picture', url), null)
  }
)

t.test('a time zone is an IANA name that Intl knows, cleared by null', async (t) => {
  for (const zone of [
    'UTC',
    'Europe/Berlin',
    'Asia/Calcutta',
    'America/Argentina/Buenos_Aires',
    'Etc/GMT+5'
  ]) {
    t.equal(read('timeZone', zone), zone)
  }
  for (const zone of [
    '',
    'Mars/Olympus_Mons',
    '+01:00',
    '-0500',
    'UTC+1',
    'GMT+1',
    'IST',
    'Europe/Berlin ',
    'Europe/../Berlin',
    'localtime'
  ]) {
    t.equal(read('timeZone', zone), undefined, zone)
  }
  t.equal(read('timeZone', null), null)
})
