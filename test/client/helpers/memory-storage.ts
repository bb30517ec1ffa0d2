/** A localStorage of a given size, in characters, which is what browsers count. */
export function memoryStorage(room = 5_000_000): Storage {
  const items = new Map<string, string>()
  const used = () => [...items].reduce((sum, [key, value]) => sum + key.length + value.length, 0)
  return {
    get length() {
      return items.size
    },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (key) => items.get(key) ?? null,
    setItem(key, value) {
      const before = items.get(key)
      if (used() - (before?.length ?? 0) + value.length > room) {
        throw new DOMException('The quota has been exceeded', 'QuotaExceededError')
      }
      items.set(key, value)
    },
    removeItem: (key) => {
      items.delete(key)
    },
    clear: () => {
      items.clear()
    }
  }
}
