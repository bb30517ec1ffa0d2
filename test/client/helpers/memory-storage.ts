/** A localStorage with a quota in characters, which is the unit of browsers. */
export function memoryStorage(capacity = 5_000_000): Storage {
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
      if (used() - (before?.length ?? 0) + value.length > capacity) {
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
