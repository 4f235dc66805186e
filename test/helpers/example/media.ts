/** Small files of the kinds that pages show: made here, so that nothing binary is kept in the repository. */
import { deflateSync } from 'node:zlib';

/** A picture in PNG: the sea below an evening sky. */
export function png(width: number, height: number): Buffer {
  const rows: Buffer[] = [];
  for (let y = 0; y < height; y++) {
    const row = Buffer.alloc(1 + width * 3);
    for (let x = 0; x < width; x++) row.set(colour(x / width, y / height), 1 + x * 3);
    rows.push(row);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** @param x, y from 0 to 1 @returns red, green, blue */
function colour(x: number, y: number): number[] {
  const shore = 0.6 + 0.04 * Math.sin(x * 9);
  if (y < shore) return [250 - 90 * (1 - y), 150 + 70 * y, 110 + 90 * (1 - y)].map(Math.round);
  return [30 + 30 * (1 - y), 90 + 60 * (1 - y), 130 + 60 * Math.sin((y - x / 9) * 40) ** 2].map(Math.round);
}

function chunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** The check sum of PNG. Node.js has it from 20.15 on, and tests run on 20.5. */
function crc32(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}

/** A tenth of a second of a tone, in WAV. */
export function wav(): Buffer {
  const samples = 800;
  const body = Buffer.from(
    Array.from({ length: samples }, (_, at) => Math.round(128 + 60 * Math.sin(at / 3))),
  );
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8_000, 24);
  head.writeUInt32LE(8_000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples, 40);
  return Buffer.concat([head, body]);
}

/** A document of one empty page. @param action what it does when it is opened, as an object of PDF */
export function pdf(action?: string): Buffer {
  const opens = action === undefined ? '' : `/OpenAction ${action}`;
  const objects = [
    `<</Type/Catalog/Pages 2 0 R${opens}>>`,
    '<</Type/Pages/Kids[3 0 R]/Count 1>>',
    '<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>',
  ];
  let text = '%PDF-1.4\n';
  const places = objects.map((object, at) => {
    const place = text.length;
    text += `${at + 1} 0 obj${object}endobj\n`;
    return String(place).padStart(10, '0');
  });
  const table = text.length;
  text += `xref\n0 4\n0000000000 65535 f \n${places.map((place) => `${place} 00000 n \n`).join('')}`;
  return Buffer.from(`${text}trailer<</Size 4/Root 1 0 R>>\nstartxref\n${table}\n%%EOF\n`);
}
