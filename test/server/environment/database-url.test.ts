import t from 'tap'
import { describeDatabaseUrl, schemaOf } from '../../../src/server/environment/database-url.ts'

const faults: Array<[url: string, fault: RegExp]> = [
  ['mysql://owner:hush@db/x', /is not a PostgreSQL URL/],
  ['postgres:hush', /is not a PostgreSQL URL/],
  ['postgresql://owner:hush@[db/x', /is not a URL/],
  ['postgresql://postgres:[YOUR-PASSWORD]@db.example.com:5432/postgres', /still has \[YOUR-PASSWORD\]/],
  ['postgresql://owner:hu#sh@db.example.com:5432/x', /# as %23/],
  ['postgresql://owner:1#hush@db.example.com/x', /# as %23/],
  ['postgresql://owner:#hush@db.example.com/x', /# as %23/],
  ['postgresql://owner:p@1#hush@db.example.com/x', /# as %23/],
  ['postgresql://owner:hush@db.example.com/x#', /# as %23/],
  ['postgresql://owner:hu/sh@db.example.com/x', /\/ as %2F/],
  ['postgresql://owner:1/hush@db.example.com/x', /\/ as %2F/],
  ['postgresql://owner:/hush@db.example.com/x', /\/ as %2F/],
  ['postgresql://owner:p@ss/hush@db.example.com/x', /\/ as %2F/],
  ['postgresql://owner:hu?sh@db.example.com/x', /\? as %3F/],
  ['postgresql://owner:1?hush@db.example.com/x', /\? as %3F/],
  ['postgresql://owner:hush%E4@db.example.com/x', /% as %25/]
]

for (const [url, fault] of faults) {
  t.test(`a URL that cannot be used is named: ${url}`, async (t) => {
    const sentence = describeDatabaseUrl(url) ?? ''
    t.match(sentence, fault)
    t.notMatch(sentence, /hush|example/)
  })
}

t.test('URLs that work are accepted', async (t) => {
  for (const url of [
    'postgresql://owner:secret@db.example.com:5432/postgres',
    'postgres://owner:p%23%2F%3F%40%25@db/x',
    'postgresql://owner:p@ss:word!$&@db/x',
    'postgresql://owner:100%@db/x',
    'postgresql://owner@[::1]:5432/x?sslmode=require&application_name=a@b',
    'postgresql://db/x?user=me@server&options=-c%20a=b',
    'postgresql://postgres.ref:secret@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?pgbouncer=true'
  ]) {
    t.equal(describeDatabaseUrl(url), undefined, url)
  }
})

t.test('the schema is that of the URL, or public', async (t) => {
  t.equal(schemaOf('postgresql://db/x'), 'public')
  t.equal(schemaOf('postgresql://db/x?schema='), 'public')
  t.equal(schemaOf('postgresql://db/x?sslmode=require&schema=harmony'), 'harmony')
})
