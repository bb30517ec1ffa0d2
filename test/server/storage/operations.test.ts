import t from 'tap'
import { operationOf } from '../../../src/server/storage/operations.ts'

t.test('a request to the storage is named without its bucket and its object', async (t) => {
  for (const [method, path, operation] of [
    ['GET', '/storage/v1/bucket/recordings', 'bucket'],
    ['POST', '/storage/v1/bucket', 'bucket'],
    ['POST', '/storage/v1/object/recordings/a/b.webm', 'upload'],
    ['PUT', '/base/storage/v1/object/recordings/a/b.webm', 'upload'],
    ['GET', '/storage/v1/object/recordings/a/b.webm', 'read'],
    ['DELETE', '/storage/v1/object/recordings', 'remove'],
    ['POST', '/storage/v1/object/list/recordings', 'list'],
    ['GET', '/storage/v1/object/info/recordings/a/b.webm', 'info'],
    ['POST', '/storage/v1/object/sign/recordings', 'sign'],
    ['POST', '/storage/v1/object/upload/sign/recordings/a', 'sign_upload'],
    ['POST', '/storage/v1/object/copy', 'copy'],
    ['TRACE', '/storage/v1/object/x', 'other'],
    ['GET', '/storage/v1/bucketful', 'other']
  ] as const) {
    t.equal(operationOf({ method, path }), operation, `${method} ${path}`)
  }
})
