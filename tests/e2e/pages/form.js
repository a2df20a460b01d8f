document.getElementById('script').addEventListener('click', () => { location.href = '/slow?n=21'; });
document.getElementById('soon').addEventListener('click', () => setTimeout(() => location.assign('/site?n=22'), 0));
if (location.search === '?guard') {
  addEventListener('beforeunload', (event) => { event.preventDefault(); });
}
