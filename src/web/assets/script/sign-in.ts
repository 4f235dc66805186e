/**
 * Lets a Nostr extension (NIP-07) sign in: it signs the event that the form describes, and the form is sent with it. The date
 * is that of the server and the time since the page was requested, so the clock of the visitor does not matter.
 */
export const SIGN_IN = `
for (const form of document.querySelectorAll('form.sign-in')) {
  const button = form.querySelector('button');
  const status = form.querySelector('[role=status]');
  const look = (tries) => {
    if (window.nostr && window.nostr.signEvent) {
      button.hidden = false;
      status.textContent = '';
    } else if (tries > 0) {
      setTimeout(() => look(tries - 1), 250);
    } else {
      status.textContent = 'No Nostr extension was found in this browser.';
    }
  };
  look(12);
  form.addEventListener('submit', async (submit) => {
    submit.preventDefault();
    button.disabled = true;
    status.textContent = 'Waiting for your extension to sign.';
    try {
      const { url, challenge, now } = form.dataset;
      const { id, pubkey, created_at, kind, tags, content, sig } = await window.nostr.signEvent({
        kind: 27235,
        created_at: Number(now) + Math.floor(submit.timeStamp / 1000),
        tags: [['u', url], ['method', 'POST'], ['challenge', challenge]],
        content: '',
      });
      form.elements.event.value = JSON.stringify({ id, pubkey, created_at, kind, tags, content, sig });
      form.submit();
    } catch {
      status.textContent = 'The extension has not signed.';
    }
    button.disabled = false;
  });
}
`;
