/** The history of `shop.orders` is the table `shop.orders__history`. */
export function historyNameOf(table: string): string {
  return `${table}__history`
}
