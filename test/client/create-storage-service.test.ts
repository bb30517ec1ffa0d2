import t from 'tap'
import { ApiStorageService, createStorageService, LocalStorageService } from '../../src/client/index.ts'
import { memoryStorage } from './helpers/memory-storage.ts'

const getAccessToken = async () => 'token'

t.test('VITE_USE_MOCK_STORAGE chooses the service', async (t) => {
  const storage = memoryStorage()
  for (const mock of ['true', true] as const) {
    t.type(createStorageService({ mock, storage }), LocalStorageService)
  }
  for (const mock of ['false', '', '1', undefined, false]) {
    t.type(createStorageService({ mock, getAccessToken, storage }), ApiStorageService)
  }
})
