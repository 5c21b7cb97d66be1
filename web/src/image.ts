// SPDX-License-Identifier: Apache-2.0
/**
 * Photos are made small before they leave the phone. Drawing them anew also drops what the camera
 * wrote into them: place, time, serial number.
 */
export const longestSide = 1600;
export const videoMax = 50_000_000;

export class NotAPhoto extends Error {}

/** @param longest side in pixels: a paper needs more of them than a pothole */
export async function shrink(file: Blob, longest = longestSide): Promise<Blob> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    throw new NotAPhoto();
  }
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const g = canvas.getContext('2d');
  if (!g) throw new NotAPhoto();
  g.imageSmoothingQuality = 'high';
  g.fillStyle = '#fff'; // a transparent picture becomes a JPEG on white
  g.fillRect(0, 0, canvas.width, canvas.height);
  g.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((resolve, reject) =>
    canvas.toBlob((b) => (b ? resolve(b) : reject(new NotAPhoto())), 'image/jpeg', 0.82),
  );
}
