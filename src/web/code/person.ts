import { html } from 'hono/html';
import type { Person } from '../../git/index.ts';
import type { Html } from '../layout.ts';
import { userText } from '../user-text.ts';

/** A person's name; the address where there is no name. */
export function personName({ name, email }: Person): Html {
  return userText(name === '' ? email : name, 100);
}

/** A date as people read it everywhere: `2026-11-29`. The title has time and zone. */
export function day(person: Person): Html {
  const local = localTime(person);
  return html`<time datetime="${isoTime(person)}" title="${local.replace('T', ' ')} ${zoneOf(person)}">${local.slice(0, 10)}</time>`;
}

/** Date and time where the person was. */
export function dayAndTime(person: Person): Html {
  return html`<time datetime="${isoTime(person)}">${localTime(person).replace('T', ' ')} ${zoneOf(person)}</time>`;
}

function isoTime({ time }: Person): string {
  return new Date(time * 1000).toISOString().replace('.000', '');
}

function localTime({ time, zone }: Person): string {
  // The zone comes from the commit, and may take the date out of the range of dates.
  const shifted = new Date((time + zone * 60) * 1000);
  return (Number.isNaN(shifted.getTime()) ? new Date(time * 1000) : shifted).toISOString().slice(0, 19);
}

function zoneOf({ zone }: Person): string {
  const [hours, minutes] = [Math.floor(Math.abs(zone) / 60), Math.abs(zone) % 60];
  return `${zone < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}${String(minutes).padStart(2, '0')}`;
}
