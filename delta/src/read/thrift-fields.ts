import type { ThriftStruct, ThriftValue } from './thrift.ts'

/** The struct in a field; an empty one where there is none. */
export function structOf(struct: ThriftStruct, id: number): ThriftStruct {
  return structIn(struct, id) ?? { fields: [] }
}

/** The struct in a field, if there is one. */
export function structIn(struct: ThriftStruct, id: number): ThriftStruct | undefined {
  const value = fieldOf(struct, id)
  return value?.kind === 'struct' ? value.struct : undefined
}

/** The structs of a list of them. */
export function structsOf(struct: ThriftStruct, id: number): readonly ThriftStruct[] {
  const value = fieldOf(struct, id)
  return value?.kind === 'list' ? value.items.flatMap((item) => (item.kind === 'struct' ? [item.struct] : [])) : []
}

/** The whole number in a field; 0 where there is none. */
export function numberOf(struct: ThriftStruct | undefined, id: number): number {
  const value = struct === undefined ? undefined : fieldOf(struct, id)
  return value?.kind === 'integer' ? Number(value.value) : 0
}

/** Whether a field says no; one that is absent does not. */
export function isFalse(struct: ThriftStruct | undefined, id: number): boolean {
  const value = struct === undefined ? undefined : fieldOf(struct, id)
  return value?.kind === 'boolean' && !value.value
}

function fieldOf(struct: ThriftStruct, id: number): ThriftValue | undefined {
  return struct.fields.find((field) => field.id === id)?.value
}

/** A number of 32 bits. */
export function int32(value: number): ThriftValue {
  return { kind: 'integer', type: 5, value: BigInt(value) }
}

/** A number of 64 bits. */
export function int64(value: number): ThriftValue {
  return { kind: 'integer', type: 6, value: BigInt(value) }
}

/** A struct as a value. */
export function structValue(struct: ThriftStruct): ThriftValue {
  return { kind: 'struct', struct }
}

/** A list of structs. */
export function structList(structs: readonly ThriftStruct[]): ThriftValue {
  return { kind: 'list', type: 12, items: structs.map(structValue) }
}

/** The struct with some fields set, in the order of their numbers; `undefined` takes one out. */
export function withFields(struct: ThriftStruct, changes: ReadonlyMap<number, ThriftValue | undefined>): ThriftStruct {
  const kept = struct.fields.filter(({ id }) => !changes.has(id))
  const set = [...changes].flatMap(([id, value]) => (value === undefined ? [] : [{ id, value }]))
  return { fields: [...kept, ...set].sort((left, right) => left.id - right.id) }
}
