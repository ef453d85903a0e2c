"""`streamlit run app.py` from a checkout; installed, it is `icp dashboard`."""

from icp.dashboard.app import main

if __name__ == "__main__":
    main()
