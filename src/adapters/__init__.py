"""One package a technology. Each fills in ports of the application and knows no other adapter."""
