/** Most mentions that are remembered for all nodes together: 16 MiB. */
const MOST_REMEMBERED = 4 * 2 ** 20;

/**
 * What messages mention that is not converted yet, so that a message with many mentions is not looked through again each time one of
 * them is. What is not remembered, because there is too much, is found by looking again: the order of the conversion is the same.
 */
export class OpenMentions {
  /** By node: the mentioned nodes, the youngest at the end. */
  private readonly lists = new Map<number, Uint32Array>();
  private remembered = 0;
  private readonly most: number;

  /** @param most mentions that are remembered at once */
  constructor(most = MOST_REMEMBERED) {
    this.most = most;
  }

  /**
   * Remembers what a node mentions.
   * @param mentioned nodes that are not converted yet, each as often as it is mentioned
   * @param isBefore true if the first node is older than the second
   * @returns the youngest one, because it is probably converted last; undefined when there is none
   */
  remember(
    node: number,
    mentioned: readonly number[],
    isBefore: (a: number, b: number) => boolean,
  ): number | undefined {
    const nodes = [...new Set(mentioned)].sort((a, b) => (isBefore(a, b) ? -1 : 1));
    const youngest = nodes.pop();
    this.forget(node);
    if (nodes.length > 0 && this.remembered + nodes.length <= this.most) {
      this.lists.set(node, Uint32Array.from(nodes));
      this.remembered += nodes.length;
    }
    return youngest;
  }

  /** The youngest node that a node mentions and that is not converted; undefined when none is left, or nothing is remembered. */
  next(node: number, isDone: (mentioned: number) => boolean): number | undefined {
    const list = this.lists.get(node) ?? new Uint32Array();
    this.forget(node);
    let left = list.length;
    while (left > 0 && isDone(list[left - 1] ?? 0)) left--;
    if (left > 1) {
      this.lists.set(node, list.subarray(0, left - 1));
      this.remembered += left - 1;
    }
    return left === 0 ? undefined : list[left - 1];
  }

  private forget(node: number): void {
    this.remembered -= this.lists.get(node)?.length ?? 0;
    this.lists.delete(node);
  }
}
