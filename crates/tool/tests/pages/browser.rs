//! A real browser without a screen, and what it shows.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output},
    sync::{Arc, Mutex},
};

/// What the browser is asked for goes to this server, wherever it is meant to go: it is its proxy.
pub(crate) struct Site {
    port: u16,
    page: String,
    asked: Arc<Mutex<BTreeSet<String>>>,
}

/// The colours that the user's system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

impl Site {
    /// Has this page at `http://site.example/page`, and a page that measures it at several widths at `/measure`.
    pub(crate) fn with(page: String, widths: &[u32]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<BTreeSet<String>>>::default();
        let (seen, measure, shown) = (asked.clone(), measure(widths), page.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(address) = request(&stream) else { continue };
                let text = match address.as_str() {
                    "http://site.example/page" => &shown,
                    "http://site.example/measure" => &measure,
                    _ => "",
                };
                seen.lock().unwrap().insert(address);
                let status = if text.is_empty() { "404 Not Found" } else { "200 OK" };
                let kind = "Content-Type: text/html; charset=utf-8\r\nConnection: close";
                let _ = write!(&stream, "HTTP/1.1 {status}\r\n{kind}\r\nContent-Length: {}\r\n\r\n{text}", text.len());
            }
        });
        Self { port, page, asked }
    }
    /// All that the browser asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().cloned().collect()
    }
    /// What the page is like at each width: how wide its content is, and at what it is wider than the window.
    pub(crate) fn measured(&self) -> String {
        let output = self.browse(Scheme::Light, (1600, 1000), &["--dump-dom", "--virtual-time-budget=20000"], "measure");
        let dom = String::from_utf8(output.stdout).unwrap();
        let begin = dom.find("id=\"said\">").unwrap_or_else(|| panic!("{dom}")) + 10;
        dom[begin..].split("</pre>").next().unwrap().to_owned()
    }
    /// A picture of the page. `EDELIVER_PICTURES=DIR` keeps both under this name.
    pub(crate) fn picture(&self, name: &str, scheme: Scheme, size: (u32, u32)) -> Picture {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("page.png");
        self.browse(scheme, size, &[&format!("--screenshot={}", file.display())], "page");
        if let Some(keep) = std::env::var_os("EDELIVER_PICTURES") {
            fs::copy(&file, Path::new(&keep).join(format!("{name}.png"))).unwrap();
            fs::write(Path::new(&keep).join(format!("{name}.html")), &self.page).unwrap();
        }
        Picture::read(&file)
    }
    fn browse(&self, scheme: Scheme, (width, height): (u32, u32), how: &[&str], path: &str) -> Output {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("timeout");
        command.args([
            "-k",
            "5",
            "90",
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ]);
        command.args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
        ]);
        command.args(["--hide-scrollbars", "--force-device-scale-factor=1", "--proxy-bypass-list=<-loopback>"]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.arg(format!("--proxy-server=http://127.0.0.1:{}", self.port));
        command.arg(format!("--window-size={width},{height}"));
        command.arg(format!("--blink-settings=preferredColorScheme={}", if scheme == Scheme::Dark { 0 } else { 1 }));
        command.args(how).arg(format!("http://site.example/{path}"));
        command.env("HOME", profile.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

/// The address that is asked for.
fn request(stream: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    lines.by_ref().take_while(|line| !line.is_empty()).for_each(drop);
    first.split(' ').nth(1).map(str::to_owned)
}

/// A page that has the other one in frames of these widths, opens all that can be opened, shows all that a mouse would show, and says
/// what sticks out.
fn measure(widths: &[u32]) -> String {
    let frame = |width: &u32| format!("<iframe src=page width={width} height=900 style='border:0'></iframe>");
    let frames: String = widths.iter().map(frame).collect();
    format!("<!DOCTYPE html><body>{frames}<pre id=said></pre><script>{MEASURE}</script>")
}

const MEASURE: &str = r#"
addEventListener('load', () => {
  const said = [];
  for (const frame of document.querySelectorAll('iframe')) {
    const page = frame.contentDocument, root = page.documentElement;
    for (const how of ['shut', 'open', 'hovered']) {
      page.querySelectorAll('details').forEach(details => details.open = how != 'shut');
      page.querySelectorAll('.tip').forEach(tip => tip.style.display = how == 'hovered' ? 'block' : '');
      const out = [...page.body.querySelectorAll('*')].filter(it => {
        const box = it.getBoundingClientRect();
        return box.width > 1 && !it.closest('.hidden, thead') && (box.right > root.clientWidth + 1 || box.left < -1);
      });
      said.push(frame.width + ' ' + how + ': ' + root.scrollWidth + ' ' +
        [...new Set(out.map(it => it.tagName + '.' + (it.getAttribute('class') || '')))].slice(0, 5).join(' '));
    }
    said.push('scripts: ' + page.scripts.length);
  }
  document.getElementById('said').textContent = said.join('\n');
});
"#;

/// A picture: rows of red, green, blue.
pub(crate) struct Picture {
    width: usize,
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    fn read(file: &Path) -> Self {
        let mut decoder = png::Decoder::new(BufReader::new(File::open(file).unwrap()));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        let samples = info.color_type.samples();
        assert!(samples >= 3, "{:?}", info.color_type);
        let pixels = bytes[..info.buffer_size()].chunks_exact(samples).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        Self { width: usize::try_from(info.width).unwrap(), pixels }
    }
    /// Between 0 (black) and 255 (white), over all pixels.
    pub(crate) fn brightness(&self) -> u64 {
        let sum: u64 = self.pixels.iter().flatten().map(|part| u64::from(*part)).sum();
        sum / (self.pixels.len() as u64 * 3)
    }
    /// How many colours there are: an empty page has one.
    pub(crate) fn colours(&self) -> usize {
        self.pixels.iter().collect::<BTreeSet<_>>().len()
    }
    /// Whether the outermost columns have the colour of the corner only: nothing touches the edges.
    pub(crate) fn has_clear_edges(&self) -> bool {
        let corner = self.pixels[0];
        self.pixels.chunks(self.width).all(|row| row[..4].iter().chain(&row[self.width - 4..]).all(|pixel| *pixel == corner))
    }
}
