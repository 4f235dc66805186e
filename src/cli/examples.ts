/** Examples for the help of commands. A test reads each one as the command line would. */
const EXAMPLES: readonly string[] = [
  'cairn serve --store file:./data',
  'cairn serve --store s3://my-bucket --s3-endpoint https://s3.example.com',
  'cairn serve --host 0.0.0.0 --public-url https://git.example.org --trusted-proxies 1',
  'cairn probe s3://my-bucket --s3-endpoint https://s3.example.com --width 32',
  'cairn bundle npub1…/hello --store s3://my-bucket',
  'cairn fold npub1…/hello --store s3://my-bucket',
  'cairn fold --all',
  'cairn repo create npub1…/hello --object-format sha256',
  'cairn repo list --store s3://my-bucket',
  'cairn repo list npub1… --json',
  'cairn repo show npub1…/hello',
  'cairn repo log npub1…/hello --limit 500',
  'cairn repo restore npub1…/hello 3',
  'cairn repo restore npub1…/hello d8aa9a9f95ff',
  'cairn repo set-head npub1…/hello develop',
  'cairn key new',
  'cairn key new --key ./key-of-ci',
  'cairn key show --json',
  "cairn announce hello --description 'Says hello'",
  'cairn announce hello --maintainer npub1… --private --reader npub1…',
  "cairn announce hello --protect 'refs/heads/main no-force-push no-delete'",
  'cairn withdraw hello',
  'cairn credential install --server https://git.example.org',
  'cairn open https://git.example.org/git/npub1…/secret.git',
  'cairn events --repository npub1…/hello --kind repository-state',
  'cairn events --author npub1… --since 2026-01-31 --json',
  'cairn fossil clone https://fossil.example.org/tool npub1…/tool --store s3://my-bucket',
  'cairn fossil pull https://fossil.example.org/tool npub1…/tool',
  'CAIRN_FOSSIL_PASSWORD=… cairn fossil push https://fossil.example.org/tool npub1…/tool --user alice',
  'CAIRN_FOSSIL_PASSWORD=… cairn fossil sync https://fossil.example.org/tool npub1…/tool --user alice',
  'cairn fossil verify npub1…/tool',
  'cairn fossil shun npub1…/tool',
  'cairn fossil shun npub1…/tool 4f8c… --undo',
  'cairn fossil password https://git.example.org/fossil/npub1…/tool',
  'cairn mirror plan https://git.example.org/tool.git /srv/git/tool.git --mode replicate',
  'cairn mirror sync https://git.example.org/tool.git /srv/git/tool.git --tags',
  'cairn mirror replicate https://git.example.org/tool.git git@example.com:me/tool.git --all-refs --prune',
  'cairn mirror bootstrap tool.bundle https://git.example.org/tool.git --all-refs',
  'cairn mirror probe https://git.example.org/tool.git',
  'cairn mirror fetch https://git.example.org/tool.git --branch main --stats',
  'cairn mirror add npub1…/tool upstream https://github.com/team/tool.git --follow --every 15m',
  'CAIRN_MIRROR_TOKEN=… cairn mirror add npub1…/tool backup https://github.com/me/tool.git --push',
  'cairn mirror list npub1…/tool',
  'cairn mirror show npub1…/tool backup',
  'cairn mirror remove npub1…/tool backup',
  'cairn mirror run npub1…/tool backup',
  'cairn mirror pause npub1…/tool backup',
  'cairn mirror resume npub1…/tool backup',
  'CAIRN_MIRROR_TOKEN=… cairn mirror credential npub1…/tool backup',
  'cairn import https://github.com/team/tool.git npub1…/tool --store s3://my-bucket',
  'cairn import https://github.com/team/tool.git npub1…/tool --server https://git.example.org --dry-run',
];

/** The first steps. */
const FIRST: readonly string[] = [
  'cairn serve --store file:./data',
  'cairn key new',
  'cairn announce hello --server https://git.example.org',
];

/** Examples of a command. @param path as it is typed: `cairn repo log`; of a group, nothing but `cairn` has any */
export function examplesOf(path: string): readonly string[] {
  if (path === 'cairn') return FIRST;
  return EXAMPLES.filter((line) => `${withoutVariables(line)} `.startsWith(`${path} `));
}

/** All examples. */
export function allExamples(): readonly string[] {
  return [...FIRST, ...EXAMPLES];
}

/** A command as it would be without variables for its environment before it. */
export function withoutVariables(line: string): string {
  return line.replace(/^(?:[A-Z_]+=\S+ )+/, '');
}
