// What gnuplot is told before every picture of this room. Not for use outside it.
#pragma once

namespace nibble {

inline constexpr const char* kPngTerminal =
    "set terminal pngcairo enhanced size 1600,900 font 'DejaVu Sans,19' linewidth 2 background rgb "
    "'white'\n";
inline constexpr const char* kSvgTerminal =
    "set terminal svg enhanced size 800,450 dynamic font 'DejaVu "
    "Sans,Helvetica,Arial,sans-serif,12' background rgb 'white'\n";
// Colours of Okabe and Ito, "Color universal design" (2008), belong to it.
inline constexpr const char* kPictureStyle = R"(
set encoding utf8
set border 3 linecolor rgb '#555555' linewidth 0.8
set tics nomirror out scale 0.6 textcolor rgb '#333333'
set grid ytics back linetype 1 linecolor rgb '#dddddd' linewidth 0.6
set key outside top left horizontal Left reverse
)";

}  // namespace nibble
