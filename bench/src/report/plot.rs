//! Plots as SVG: the cost against what it must not depend on, both axes logarithmic.

use std::fmt::Write;

use crate::results::Results;
use crate::statistics::median;
use crate::workload::{Plot, Workload};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 130.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
const COLOURS: [&str; 7] = [
    "#c0392b", "#7f8c8d", "#e67e22", "#2980b9", "#27ae60", "#2c3e50", "#8e44ad",
];

/// A subject's name and its points: the place on the axis and the cost.
type Line<'a> = (&'a str, Vec<(f64, f64)>);

/// The plot, if at least two of its points were measured.
pub(crate) fn svg(results: &Results, plot: Plot) -> Option<String> {
    let points: Vec<_> = results
        .in_order()
        .filter_map(|(workload, entry)| {
            let (of, place) = workload.plot?;
            (of == plot).then_some((place, workload, entry))
        })
        .collect();
    if points.len() < 2 {
        return None;
    }
    let lines: Vec<Line> = results
        .subjects
        .iter()
        .map(|subject| {
            let measured = points.iter().filter_map(|(place, _, entry)| {
                let series = entry.subjects.get(&subject.name)?;
                let cost = median(&series.costs());
                // Nothing has a place of its own on a logarithmic axis, left of one.
                cost.is_finite().then_some(((*place as f64).max(0.5), cost))
            });
            (subject.name.as_str(), measured.collect())
        })
        .collect();
    Some(draw(results, plot, points[0].1, &lines))
}

fn draw(results: &Results, plot: Plot, workload: &Workload, lines: &[Line]) -> String {
    let (_, across, up) = plot.labels();
    let frame = Frame::around(lines);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"15\">{up}, {}</text>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{across}</text>\n",
        results.lua,
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 10.0,
    );
    frame.draw_decades(&mut svg, workload);
    frame.draw_places(&mut svg, lines);
    let mut labels = Vec::new();
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        frame.draw_line(&mut svg, line, colour, &mut labels);
    }
    svg.push_str("</svg>\n");
    svg
}

/// The least and the greatest of what is shown, places and costs.
struct Frame {
    left: f64,
    right: f64,
    low: f64,
    high: f64,
}

impl Frame {
    fn around(lines: &[Line]) -> Frame {
        let (mut left, mut right) = (f64::INFINITY, 0.0_f64);
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for (place, cost) in lines.iter().flat_map(|(_, points)| points) {
            (left, right) = (left.min(*place), right.max(*place));
            (low, high) = (low.min(*cost), high.max(*cost));
        }
        Frame {
            left,
            right,
            // Whole decades, so that the lines of the grid have round numbers.
            low: 10_f64.powf(low.log10().floor()),
            high: 10_f64.powf(high.log10().ceil()),
        }
    }

    fn x(&self, place: f64) -> f64 {
        LEFT + part(place, self.left, self.right) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, cost: f64) -> f64 {
        HEIGHT - BOTTOM - part(cost, self.low, self.high) * (HEIGHT - TOP - BOTTOM)
    }

    /// The grid: a line for each power of ten, with its cost.
    fn draw_decades(&self, svg: &mut String, workload: &Workload) {
        let mut decade = self.low;
        while decade <= self.high * 1.001 {
            let height = self.y(decade);
            let _ = writeln!(
                svg,
                "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{height:.1}\" y2=\"{height:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                height + 4.0,
                workload.unit().show(decade),
            );
            decade *= 10.0;
        }
    }

    /// The numbers below, those of the line with most points.
    fn draw_places(&self, svg: &mut String, lines: &[Line]) {
        let longest = lines.iter().max_by_key(|(_, points)| points.len());
        for (place, _) in longest.map_or(&[][..], |(_, points)| points) {
            let label = if *place < 1.0 { 0.0 } else { *place };
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
                self.x(*place),
                HEIGHT - BOTTOM + 18.0,
            );
        }
    }

    /// A subject's line, its points and its name; `labels` has the heights of the names so far.
    fn draw_line(
        &self,
        svg: &mut String,
        (name, points): &Line,
        colour: &str,
        labels: &mut Vec<f64>,
    ) {
        let Some((end_place, end_cost)) = points.last() else {
            return;
        };
        let path: Vec<String> = points
            .iter()
            .map(|(place, cost)| format!("{:.1},{:.1}", self.x(*place), self.y(*cost)))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        for point in &path {
            let (x, y) = point.split_once(',').expect("it was joined by one");
            let _ = writeln!(
                svg,
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"{colour}\"/>"
            );
        }
        // A name goes below those that it would cover.
        let mut height = self.y(*end_cost) + 4.0;
        while labels.iter().any(|other| (other - height).abs() < 13.0) {
            height += 2.0;
        }
        labels.push(height);
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{height:.1}\" fill=\"{colour}\">{name}</text>",
            self.x(*end_place) + 8.0
        );
    }
}

/// Which part of the way between two numbers a third one lies at, on a logarithmic axis.
fn part(value: f64, from: f64, to: f64) -> f64 {
    (value / from).ln() / (to / from).ln()
}
