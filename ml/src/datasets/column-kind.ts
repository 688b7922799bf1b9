// Which columns can be compared with which, by DuckDB's names of their types.

const NUMBERS = /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\))$/

/** One word for all types whose values can be compared without a conversion that may fail. */
export function kindOf(type: string): string {
  if (NUMBERS.test(type)) return 'number'
  return type === 'DATE' || type.startsWith('TIMESTAMP') ? 'time' : type
}
