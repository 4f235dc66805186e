import { type ClientSettings, readClientSettings } from '../../config/client-settings.ts';
import type { GivenFlags } from '../../config/given-flags.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import { systemRandom } from '../../lib/random.ts';
import { formatNpub } from '../../nostr/public-key.ts';
import { newSecretKey } from '../../nostr/secret-key.ts';
import { createSigner, type Signer } from '../../nostr/sign.ts';
import { createKeyFile, readKeyFile } from '../../server/keys.ts';
import type { CommandContext } from '../command-context.ts';

/** `cairn key new`: creates a secret key in a new file. */
export async function keyNew(flags: GivenFlags, context: CommandContext): Promise<void> {
  const { keyFile } = readClientSettings(flags, context.environment);
  const secretKey = newSecretKey(systemRandom);
  await createKeyFile(keyFile, secretKey);
  printKey(createSigner(secretKey), keyFile, context);
}

/** `cairn key show`: prints the public key, never the secret one. */
export async function keyShow(
  options: { readonly json?: boolean },
  flags: GivenFlags,
  context: CommandContext,
): Promise<void> {
  const settings = readClientSettings(flags, context.environment);
  const signer = await readSigner(settings);
  if (options.json === true) {
    const { publicKey } = signer;
    context.print(JSON.stringify({ npub: formatNpub(publicKey), publicKey, file: settings.keyFile }));
  } else {
    printKey(signer, settings.keyFile, context);
  }
}

/**
 * The key that a command signs with.
 * @throws CairnError `not-found` when there is none, with a hint how to create one; as reading key files does
 */
export async function readSigner(settings: ClientSettings): Promise<Signer> {
  const secretKey = await readKeyFile(settings.keyFile).catch((error: unknown) => {
    if (!isCairnError(error, 'not-found')) throw error;
    throw new CairnError(
      'not-found',
      `there is no key file ${settings.keyFile}: "cairn key new" creates one, --key or CAIRN_KEY_FILE names another`,
    );
  });
  return createSigner(secretKey);
}

/** The key in a file. @throws as reading key files does */
export async function readSignerOf(keyFile: string): Promise<Signer> {
  return createSigner(await readKeyFile(keyFile));
}

/**
 * The key of a command that also works without one; undefined when no key was named and the default file does not
 * exist.
 */
export async function readSignerIfAny(settings: ClientSettings): Promise<Signer | undefined> {
  try {
    return await readSigner(settings);
  } catch (error) {
    if (isCairnError(error, 'not-found') && !settings.keyNamed) return undefined;
    throw error;
  }
}

function printKey({ publicKey }: Signer, file: string, context: CommandContext): void {
  context.print(`npub  ${formatNpub(publicKey)}`);
  context.print(`hex   ${publicKey}`);
  context.print(`file  ${file}`);
}
