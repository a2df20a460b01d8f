// A picture that cannot be compressed without loss.
const canvas = document.querySelector('canvas');
const context = canvas.getContext('2d');
const image = context.createImageData(canvas.width, canvas.height);
let seed = 1;
for (let index = 0; index < image.data.length; index += 1) {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  image.data[index] = index % 4 === 3 ? 255 : seed & 255;
}
context.putImageData(image, 0, 0);
