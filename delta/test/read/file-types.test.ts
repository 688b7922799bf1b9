import { expect, test } from 'vitest'
import { parseFileType, type SchemaNode, withFieldIds } from '../../src/read/file-types.ts'

test('the text of a type becomes a tree', () => {
  expect(parseFileType('MAP(VARCHAR, STRUCT("a ""b, c" DECIMAL(12,2)[], t TIMESTAMP WITH TIME ZONE))[]')).toEqual({
    kind: 'list',
    element: {
      kind: 'map',
      key: { kind: 'plain', name: 'VARCHAR' },
      value: {
        kind: 'struct',
        fields: [
          { name: 'a "b, c', type: { kind: 'list', element: { kind: 'plain', name: 'DECIMAL(12,2)' } } },
          { name: 't', type: { kind: 'plain', name: 'TIMESTAMP WITH TIME ZONE' } },
        ],
      },
    },
  })
})

test('an unknown spelling is a bug and not a wrong type', () => {
  expect(() => parseFileType('STRUCT(a INTEGER')).toThrow('DuckDB spells a type in a way that is not known here: ')
})

function node(name: string, children: readonly SchemaNode[] = [], id?: number, isRepeated = false): SchemaNode {
  return { name, isRepeated, id, children }
}

test('field ids reach fields in lists of three levels and of two, and in maps', () => {
  const point = (id: number): SchemaNode[] => [node('x', [], id)]
  const columns = ['three', 'two', 'map'].map((name) => ({
    name,
    type: parseFileType(name === 'map' ? 'MAP(VARCHAR, STRUCT(x INTEGER))' : 'STRUCT(x INTEGER)[]'),
  }))
  const found = withFieldIds(columns, [
    node('three', [node('list', [node('element', point(11))], undefined, true)], 1),
    node('two', [node('array', point(12), undefined, true)], 2),
    node('map', [node('key_value', [node('key'), node('value', point(13))], undefined, true)], 3),
  ])
  expect(JSON.stringify(found).match(/"id":\d+/g)).toEqual([
    '"id":11',
    '"id":1',
    '"id":12',
    '"id":2',
    '"id":13',
    '"id":3',
  ])
})
