// Which columns can be compared with which, by DuckDB's names of their types.
import type { StructField } from '@tributary/delta'

const NUMBERS = /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\))$/

/** One word for all types whose values can be compared without a conversion that may fail. */
export function kindOf(type: string): string {
  if (NUMBERS.test(type)) return 'number'
  return type === 'DATE' || type.startsWith('TIMESTAMP') ? 'time' : type
}

const FIELDS = ['byte', 'short', 'integer', 'long', 'float', 'double', 'boolean']

/** Whether a column may be looked at as a number. */
export function isNumber({ type }: StructField): boolean {
  return typeof type === 'string' && (FIELDS.includes(type) || type.startsWith('decimal('))
}
