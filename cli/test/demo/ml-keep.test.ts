import { expect, test } from 'vitest'
import { pageText } from '../../src/demo/ml-keep.ts'

test('a run that is kept takes the place of the one before, and leaves the rest of the page', () => {
  const page = 'before\n<!-- what the run said -->\nold\n<!-- until here -->\nafter\n'
  const kept = 'before\n<!-- what the run said -->\n```text\none\n\n  two\n```\n<!-- until here -->\nafter\n'
  expect(pageText(page, ['one', '', '  two', ''])).toBe(kept)
  expect(pageText(kept, ['one', '', '  two', ''])).toBe(kept)
})

test('a page without the place for it is left alone', () => {
  expect(() => pageText('before\n', ['one'])).toThrow(
    'The demo failed: docs/demo-ml.md has no place between <!-- what the run said --> and <!-- until here -->. Run it again with -v and report it.',
  )
})
